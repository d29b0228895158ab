"""The platform's own HTTP routes beside the AWS APIs: health, metrics in Prometheus' format, code downloads."""

import resource
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from ramuda import __version__
from ramuda.gateway.messages import Request, Response
from ramuda.kernel.codec import encode_json
from ramuda.services.lambda_.downloads import Downloads
from ramuda.telemetry import prometheus

if TYPE_CHECKING:
    from ramuda.server.server import Server

Route = Callable[[Request], Awaitable[Response]]

JSON = [("Content-Type", "application/json")]
PROMETHEUS = [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")]


def internal_routes(server: "Server", downloads: Downloads) -> Mapping[str, Route]:
    """Routes by exact path, or by prefix where the path ends in `/`."""

    async def health(_: Request) -> Response:
        told = {
            "status": "ok",
            "version": __version__,
            "sandbox": server.backend_name,
            "environments": server.invoker.placement.count(),
            "prepared": server.prepared.counts(),
        }
        return Response(200, JSON, encode_json(told))

    async def metrics(_: Request) -> Response:
        return Response(200, PROMETHEUS, prometheus.render(server.telemetry, gauges(server)))

    async def code(request: Request) -> Response:
        archive = await downloads.read(request.path)
        if archive is None:
            return Response(403, JSON, b'{"message":"The link is not valid, or no longer."}')
        return Response(200, [("Content-Type", "application/zip")], archive)

    return {"/_ramuda/health": health, "/metrics": metrics, downloads.prefix: code}


def gauges(server: "Server") -> dict[str, float]:
    """What the process says of itself."""
    return {
        "ramuda_environments": float(server.invoker.placement.count()),
        "ramuda_prepared_environments": float(sum(server.prepared.counts().values())),
        "ramuda_max_resident_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0,
    }
