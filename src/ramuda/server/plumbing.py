"""What the platform serves inside a sandbox besides the Runtime API: its AWS endpoint, the way out, DNS.

Implements `runtime.prepared.Plumbing`.
"""

from ramuda.gateway.http import HttpServer
from ramuda.gateway.http.connection import Handler
from ramuda.gateway.http.server import Listener
from ramuda.kernel.ports.sandbox import Sandbox
from ramuda.sandbox.outbound import Outbound, WayOut


class SandboxPlumbing:
    """`handle_api` answers what functions ask: the AWS APIs alone, none of the platform's own routes."""

    def __init__(self, http: HttpServer, outbound: Outbound, handle_api: Handler) -> None:
        self._http = http
        self._outbound = outbound
        self._handle_api = handle_api

    async def attach(self, sandbox: Sandbox) -> "Attached":
        sockets = sandbox.sockets
        way_out = self._outbound.attach(sockets)
        listener = await self._http.serve_socket(sockets.gateway, self._handle_api) if sockets.gateway else None
        return Attached(way_out, listener)


class Attached:
    """Implements `runtime.prepared.Attachment`."""

    def __init__(self, way_out: WayOut, listener: Listener | None) -> None:
        self._way_out = way_out
        self._listener = listener

    def shut_way_out(self) -> bool:
        return self._way_out.shut()

    def stop(self) -> None:
        self._way_out.stop()
        if self._listener is not None:
            self._listener.end()
