"""Delegated services: what Ramuda does not write itself is answered by a configured endpoint, else by moto's server."""

from ramuda.gateway.upstream.options import Options
from ramuda.gateway.upstream.upstream import Upstream

__all__ = ["Options", "Upstream"]
