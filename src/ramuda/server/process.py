"""The server as a process: event loop, signals, limits, the garbage collector."""

import asyncio
import gc
import resource
import signal
from collections.abc import Callable

from ramuda.config import Options
from ramuda.server.server import Server


def serve(options: Options, on_ready: Callable[[Server], None]) -> None:
    """Runs a server until SIGINT or SIGTERM. Raises ConfigError before anything is served."""
    _raise_open_files()
    import uvloop

    uvloop.run(_serve(options, on_ready))


async def _serve(options: Options, on_ready: Callable[[Server], None]) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    server = Server(options)
    try:
        await server.start()
        _settle_memory()
        on_ready(server)
        await stop.wait()
    finally:
        await server.stop()


def _raise_open_files() -> None:
    """Every environment takes some ten descriptors."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _settle_memory() -> None:
    """What start-up made stays for good: the collector, which the command turned off, need not look at it again."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
