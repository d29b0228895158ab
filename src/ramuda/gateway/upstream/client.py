"""Calls to delegated services that we make ourselves, by botocore's own clients on threads of their own.

botocore's client machinery is imported with the first such call.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from ramuda.gateway.upstream.moto import ACCOUNT_HEADER
from ramuda.kernel.call import Result
from ramuda.kernel.errors import ApiError, PortError

THREADS = 8


class Clients:
    """One botocore client for each endpoint, account and region. The access key id is the account, as a user's would
    be."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="upstream")
        self._clients: dict[tuple[str, ...], Any] = {}
        self._session: Any = None
        self._lock = Lock()

    async def call(
        self, url: str, service: str, operation: str, params: dict[str, Any], *, account: str, region: str
    ) -> Result:
        """Performs one operation. Raises ApiError as the service answered, PortError when it is out of reach."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, self._perform, (url, service, account, region), operation, params
        )

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _perform(self, whom: tuple[str, str, str, str], operation: str, params: dict[str, Any]) -> Result:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            client = self._client(*whom)
            method = next(name for name, wire in client.meta.method_to_api_mapping.items() if wire == operation)
            result: Result = getattr(client, method)(**params)
            result.pop("ResponseMetadata", None)
            return {name: value.read() if hasattr(value, "read") else value for name, value in result.items()}
        except ClientError as e:
            status = e.response["ResponseMetadata"].get("HTTPStatusCode")
            error = e.response["Error"]
            raise ApiError(error.get("Code", "Unknown"), error.get("Message"), status=status) from e
        except BotoCoreError as e:
            raise PortError(f"{whom[1]} at {whom[0]}: {e}", retryable=True) from e

    def _client(self, url: str, service: str, account: str, region: str) -> Any:
        with self._lock:  # botocore's sessions are not safe to make clients from two threads
            client = self._clients.get((url, service, account, region))
            if client is None:
                client = self._clients[url, service, account, region] = self._make(url, service, account, region)
            return client

    def _make(self, url: str, service: str, account: str, region: str) -> Any:
        import botocore.session
        from botocore.config import Config

        if self._session is None:
            self._session = botocore.session.Session()
        client = self._session.create_client(
            service,
            endpoint_url=url,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key=account,
            config=Config(
                retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}, connect_timeout=10, read_timeout=300
            ),
        )

        def name_account(request: Any, **_: Any) -> None:
            request.headers[ACCOUNT_HEADER] = account

        client.meta.events.register("before-sign", name_account)
        return client
