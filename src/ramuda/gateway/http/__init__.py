"""HTTP/1.1 on asyncio: an own protocol over httptools, because this is the hot path (see
`benchmarks/http_floor.py`)."""

from ramuda.gateway.http.body import IncompleteBodyError
from ramuda.gateway.http.connection import Handler
from ramuda.gateway.http.options import Options
from ramuda.gateway.http.server import HttpServer, Listener

__all__ = ["Handler", "HttpServer", "IncompleteBodyError", "Listener", "Options"]
