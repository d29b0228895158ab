"""Functions' KMS keys. Under an own endpoint for KMS each key has a data key: made by GenerateDataKey, stored as KMS
encrypted it, in clear in memory alone. The stand-in for KMS forgets its keys with its process: where it serves, a key
is looked up, and the server's own key seals.

https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#enveloping"""

import base64
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from ramuda.kernel.call import Result
from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.ports.api import Api
from ramuda.kernel.ports.database import Database
from ramuda.kernel.ports.keyring import Keyring
from ramuda.services.lambda_.model import DataKey
from ramuda.services.lambda_.rules import encryption
from ramuda.services.lambda_.store import tables

log = logging.getLogger(__name__)


class DataKeys:
    """`is_known`: KMS is in use here; `has_endpoint`: it is somebody's own, which keeps what it is told."""

    def __init__(
        self,
        database: Database,
        api: Api,
        keyring: Keyring,
        *,
        is_known: Callable[[], bool],
        has_endpoint: Callable[[], bool],
    ) -> None:
        self._database = database
        self._api = api
        self._keyring = keyring
        self._is_known = is_known
        self._has_endpoint = has_endpoint

    async def start(self) -> None:
        """Has KMS decrypt the data keys that are stored. One that it refuses is asked for again when it is needed."""
        if not self._has_endpoint():
            return
        for stored in await self._database.read(tables.data_keys.all):
            try:
                await self._decrypt(stored)
            except (ApiError, PortError) as e:
                log.warning("lambda.kms.not_decrypted", extra={"key": stored.key_arn, "reason": str(e)})

    async def prepare(self, key_arn: str, account: str, region: str) -> None:
        """Before variables are stored under `key_arn`. Raises Lambda's refusal when KMS will not have it used."""
        if not self._is_known() or self._keyring.has(key_arn):
            return
        try:
            if self._has_endpoint():
                await self._make(key_arn, account, region)
            else:
                await self._look_up(key_arn, account, region)
        except ApiError as e:
            raise encryption.not_usable(e.code, e.message) from e
        except PortError as e:
            raise ApiError("ServiceException", f"KMS could not be reached: {e}", fault="Server") from e

    async def load(self, key_arn: str, account: str, region: str) -> None:
        """Before variables that stayed sealed are read. Raises the KMS errors of Invoke."""
        stored = await self._database.read(lambda tx: tables.data_keys.get(tx, account, region, key_arn))
        if stored is None:
            raise encryption.not_readable("NotFoundException", f"Key '{key_arn}' does not exist")
        try:
            await self._decrypt(stored)
        except ApiError as e:
            raise encryption.not_readable(e.code, e.message) from e
        except PortError as e:
            raise ApiError("ServiceException", f"KMS could not be reached: {e}", fault="Server") from e

    async def _make(self, key_arn: str, account: str, region: str) -> None:
        stored = await self._database.read(lambda tx: tables.data_keys.get(tx, account, region, key_arn))
        if stored is not None:
            await self._decrypt(stored)
            return
        params = {"KeyId": key_arn, "KeySpec": "AES_256"}
        made = await self._kms("GenerateDataKey", params, account, region)
        ciphertext = base64.b64encode(made["CiphertextBlob"]).decode()
        key = DataKey(account=account, region=region, key_arn=key_arn, ciphertext=ciphertext)
        await self._database.write(partial(_put, key=key))
        self._keyring.add(key_arn, bytes(made["Plaintext"]))

    async def _decrypt(self, stored: DataKey) -> None:
        params = {"CiphertextBlob": base64.b64decode(stored.ciphertext), "KeyId": stored.key_arn}
        answer = await self._kms("Decrypt", params, stored.account, stored.region)
        self._keyring.add(stored.key_arn, bytes(answer["Plaintext"]))

    async def _look_up(self, key_arn: str, account: str, region: str) -> None:
        answer = await self._kms("DescribeKey", {"KeyId": key_arn}, account, region)
        trouble = encryption.unusable_state(answer["KeyMetadata"].get("KeyState", "Enabled"))
        if trouble is not None:
            raise ApiError(*trouble)

    async def _kms(self, operation: str, params: dict[str, Any], account: str, region: str) -> Result:
        return await self._api.call("kms", operation, params, account=account, region=region)


def _put(tx: Any, *, key: DataKey) -> None:
    tables.data_keys.put(tx, key.account, key.region, key.key_arn, "", key)
