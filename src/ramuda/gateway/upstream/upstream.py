"""Where a delegated service is, and getting a request or a call of our own there.

The account reaches moto in its header and the region in the credential scope, so that what a client makes there and
what Ramuda asks for (a role, an object) is the same. A configured endpoint gets the request as the client sent it, Host
and signature included: it must know the client's keys itself.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from ramuda.gateway.errors import unsupported
from ramuda.gateway.messages import Headers, Request, Response
from ramuda.gateway.upstream import moto
from ramuda.gateway.upstream.client import Clients
from ramuda.gateway.upstream.forward import Forwarder
from ramuda.gateway.upstream.options import Options
from ramuda.kernel.call import Result


class Upstream:
    """The delegated services."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._moto = moto.MotoServer(options)
        self._forwarder = Forwarder(options)
        self._clients = Clients()

    def is_running(self, service: str) -> bool:
        """Whether somebody may have made something in `service`: it has an endpoint, or moto was started."""
        return service in self._options.endpoints or self._moto.is_started

    def has_endpoint(self, service: str) -> bool:
        """Whether `service` is at an endpoint of its own, and not played by moto."""
        return service in self._options.endpoints

    async def forward(self, service: str, request: Request, *, account: str, region: str) -> Response:
        """The service's answer to a client's request. Raises ApiError when nothing serves it here, PortError when what
        serves it is out of reach, and what reading a streamed body raises."""
        endpoint = self._options.endpoints.get(service)
        if endpoint is not None:
            return await self._forwarder.send(endpoint.rstrip("/"), request, [])
        if unquote(request.path).startswith(moto.CONTROL_PATH):
            raise unsupported("The controls of the delegated services are not reached from here.")
        extra: Headers = [(moto.ACCOUNT_HEADER, account)]
        if "authorization" not in request.headers and "X-Amz-" not in request.query:
            extra.append(("Authorization", _scope_alone(account, region, service)))
        request.headers.pop(moto.ACCOUNT_HEADER, None)
        return await self._forwarder.send(await self._moto_url(service), request, extra)

    async def call(self, service: str, operation: str, params: dict[str, Any], *, account: str, region: str) -> Result:
        """Performs an operation as the account. Raises as `forward` does, and ApiError as the service answered."""
        url = self._options.endpoints.get(service) or await self._moto_url(service)
        return await self._clients.call(url, service, operation, params, account=account, region=region)

    async def close(self) -> None:
        await self._forwarder.close()
        self._clients.close()
        await self._moto.close()

    async def _moto_url(self, service: str) -> str:
        if not self._options.moto:
            raise unsupported(f"No endpoint is configured for the service '{service}'.")
        if not moto.is_installed():
            raise unsupported(
                f"The service '{service}' is not part of Ramuda. Install what can stand in for it with "
                "pip install 'ramuda[delegates]', or configure an endpoint for it."
            )
        return await self._moto.url()


def _scope_alone(account: str, region: str, service: str) -> str:
    """What tells moto region and service of a request that nobody signed."""
    day = datetime.now(UTC).strftime("%Y%m%d")
    return (
        f"AWS4-HMAC-SHA256 Credential={account}/{day}/{region}/{service}/aws4_request, "
        "SignedHeaders=host, Signature=unsigned"
    )
