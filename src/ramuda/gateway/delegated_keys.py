"""Access keys that a delegated IAM makes and deletes become known here as well, so that they can sign requests.

Nothing is changed on the way: the answers are read as they pass by.
"""

from urllib.parse import parse_qs

from ramuda.authz.credentials import CredentialStore, root_arn
from ramuda.gateway.messages import Request, Response
from ramuda.gateway.model import Models


class DelegatedKeys:
    """Watches IAM's CreateAccessKey and DeleteAccessKey."""

    def __init__(self, models: Models, credentials: CredentialStore) -> None:
        self._models, self._credentials = models, credentials

    async def observe(self, request: Request, response: Response, account: str) -> None:
        """To be called with every answer of the delegated IAM."""
        if response.status != 200 or not isinstance(response.body, bytes):
            return
        asked = parse_qs(request.body.decode("latin-1"))
        match asked.get("Action"):
            case ["CreateAccessKey"]:
                await self._register(response.body, account)
            case ["DeleteAccessKey"]:
                await self._forget(asked.get("AccessKeyId", [""])[0], account)

    async def _register(self, body: bytes, account: str) -> None:
        from botocore.parsers import QueryParser  # not at the start: few servers ever see a key being made

        shape = self._models.service("iam").operation_model("CreateAccessKey").output_shape
        key = QueryParser().parse({"status_code": 200, "headers": {}, "body": body}, shape)["AccessKey"]
        user = key.get("UserName")
        arn = f"arn:aws:iam::{account}:user/{user}" if user else root_arn(account)
        await self._credentials.register_key(key["AccessKeyId"], key["SecretAccessKey"], account, arn)

    async def _forget(self, access_key_id: str, account: str) -> None:
        known = self._credentials.find(access_key_id, None)
        if known is not None and known.principal.account == account:
            await self._credentials.delete_key(access_key_id)
