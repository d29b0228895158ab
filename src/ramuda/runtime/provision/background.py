"""Installations that nobody has to wait for."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Lock
from time import monotonic

from ramuda.kernel.errors import PortError

AT_ONCE = 2


class Background:
    """Each installation is begun once. One that failed is tried again by the next server, not by the next function."""

    def __init__(self, log: Callable[..., None]) -> None:
        self._log = log
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ramuda-install")
        self._installs: dict[str, Future[Path]] = {}
        self._lock = Lock()

    def begin(self, what: str, install: Callable[[], Path]) -> Future[Path]:
        """`what` names it, in the log too. The future holds the folder, or PortError."""
        with self._lock:
            if what not in self._installs:
                self._log("runtime.installing", what=what)
                self._installs[what] = self._threads.submit(self._run, what, install)
            return self._installs[what]

    def is_busy(self) -> bool:
        with self._lock:
            return any(not install.done() for install in self._installs.values())

    def finish(self) -> None:
        """Waits for everything begun."""
        with self._lock:
            installs = list(self._installs.values())
        wait(installs)

    def stop(self) -> None:
        """Begins nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _run(self, what: str, install: Callable[[], Path]) -> Path:
        began_s = monotonic()
        try:
            path = install()
        except PortError as e:
            self._log("runtime.install_failed", what=what, error=str(e))
            raise
        self._log("runtime.installed", what=what, seconds=round(monotonic() - began_s, 1))
        return path
