"""The platform's own HTTP routes beside the AWS APIs: health, metrics in Prometheus' format, code downloads."""

import resource
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from ramuda import __version__
from ramuda.gateway.messages import Request, Response
from ramuda.invoke.placement import Placement
from ramuda.kernel.codec import encode_json
from ramuda.runtime.prepared import PreparedEnvironments
from ramuda.services.lambda_.downloads import Downloads
from ramuda.telemetry import Telemetry, prometheus

Route = Callable[[Request], Awaitable[Response]]

JSON = [("Content-Type", "application/json")]
PROMETHEUS = [("Content-Type", prometheus.CONTENT_TYPE)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Whom the routes ask."""

    backend_name: str
    placement: Placement
    prepared: PreparedEnvironments
    telemetry: Telemetry
    downloads: Downloads


def internal_routes(sources: Sources) -> Mapping[str, Route]:
    """Routes by exact path, or by prefix where the path ends in `/`."""

    async def health(_: Request) -> Response:
        told = {
            "status": "ok",
            "version": __version__,
            "sandbox": sources.backend_name,
            "environments": sources.placement.count(),
            "prepared": sources.prepared.counts(),
        }
        return Response(200, JSON, encode_json(told))

    async def metrics(_: Request) -> Response:
        return Response(200, PROMETHEUS, prometheus.render(sources.telemetry, gauges(sources)))

    async def code(request: Request) -> Response:
        archive = await sources.downloads.read(request.path)
        if archive is None:
            return Response(403, JSON, b'{"message":"The link is not valid, or no longer."}')
        return Response(200, [("Content-Type", "application/zip")], archive)

    return {"/_ramuda/health": health, "/metrics": metrics, sources.downloads.prefix: code}


def gauges(sources: Sources) -> dict[str, float]:
    """What the process says of itself."""
    return {
        "ramuda_environments": float(sources.placement.count()),
        "ramuda_prepared_environments": float(sum(sources.prepared.counts().values())),
        "ramuda_max_resident_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0,
    }
