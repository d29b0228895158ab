"""The public AWS API, in process. The console and native services that need a delegated one (roles, S3 objects) use
it."""

from typing import Any, Protocol

from ramuda.kernel.call import Result


class Api(Protocol):
    async def call(self, service: str, operation: str, params: dict[str, Any], *, account: str, region: str) -> Result:
        """Performs an operation as the account's root, native or delegated, and returns the parsed answer (a
        streaming body is read: bytes). Raises ApiError with the service's own error, PortError when a delegated one
        is out of reach."""
        ...
