"""`Telemetry`: the recorder, the queries and the background work, put together."""

import asyncio

from ramuda.kernel.clock import Clock
from ramuda.kernel.ports.database import Database
from ramuda.telemetry.flusher import Flusher
from ramuda.telemetry.logs import Logs
from ramuda.telemetry.metrics import Metrics
from ramuda.telemetry.options import Options
from ramuda.telemetry.recorder import BufferedRecorder
from ramuda.telemetry.retention import Sweeper


class Telemetry:
    """Owns what it is built of and two background tasks, between `start` and `stop`. The database stays its owner's."""

    def __init__(self, database: Database, clock: Clock, options: Options | None = None) -> None:
        chosen = options or Options()
        self.recorder = BufferedRecorder(clock)
        self._flusher = Flusher(self.recorder, database, clock, chosen)
        self._sweeper = Sweeper(database, clock, chosen)
        self.logs = Logs(database, clock, self._flusher.flush)
        self.metrics = Metrics(database, self._flusher.flush)
        self.clock = clock
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._flusher.run(), name="telemetry-flusher"),
            loop.create_task(self._sweeper.run(), name="telemetry-sweeper"),
        ]

    async def stop(self) -> None:
        """Writes what was recorded. Raises PortError when that fails. Idempotent."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._flusher.finish()
