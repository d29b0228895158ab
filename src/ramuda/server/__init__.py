"""The composition root: the only place that names concrete adapters and wires them to those who need them."""

from ramuda.server.examine import examine
from ramuda.server.process import serve
from ramuda.server.server import Server

__all__ = ["Server", "examine", "serve"]
