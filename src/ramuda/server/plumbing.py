"""What the platform serves inside a sandbox besides the Runtime API: its AWS endpoint, the way out, DNS.

Implements `runtime.prepared.Plumbing`.
"""

from collections.abc import Callable

from ramuda.gateway.http import HttpServer
from ramuda.gateway.http.connection import Handler
from ramuda.kernel.ports.sandbox import Sandbox
from ramuda.sandbox.outbound import Outbound


class SandboxPlumbing:
    """`handle_api` answers what functions ask: the AWS APIs alone, none of the platform's own routes."""

    def __init__(self, http: HttpServer, outbound: Outbound, handle_api: Handler) -> None:
        self._http = http
        self._outbound = outbound
        self._handle_api = handle_api

    async def attach(self, sandbox: Sandbox) -> Callable[[], None]:
        sockets = sandbox.sockets
        stop_outbound = self._outbound.attach(sockets)
        listener = await self._http.serve_socket(sockets.gateway, self._handle_api) if sockets.gateway else None

        def stop() -> None:
            stop_outbound()
            if listener is not None:
                listener.end()

        return stop
