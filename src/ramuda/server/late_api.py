"""The gateway for those that must exist before it: the HTTP server and services that call others. Implements
ports.Api."""

from typing import Any

from ramuda.gateway.messages import Request, Response
from ramuda.gateway.stack import Gateway
from ramuda.kernel.call import Result


class LateApi:
    """Passes everything on to `gateway`, which is set before anything is served."""

    gateway: Gateway

    async def handle(self, request: Request) -> Response:
        return await self.gateway.handle(request)

    async def handle_api(self, request: Request) -> Response:
        return await self.gateway.handle_api(request)

    def wants_stream(self, request: Request) -> bool:
        return self.gateway.wants_stream(request)

    def refuse(self, request: Request, status: int) -> Response:
        return self.gateway.refuse(request, status)

    async def call(self, service: str, operation: str, params: dict[str, Any], *, account: str, region: str) -> Result:
        return await self.gateway.call(service, operation, params, account=account, region=region)
