"""`Telemetry.logs`: log groups, streams and events, asked for and changed.

Reads see all that was recorded before them: they flush what they are about to look at.
"""

from collections.abc import Awaitable, Callable, Sequence

from ramuda.kernel.clock import Clock
from ramuda.kernel.ports.database import Conflict, Database, Transaction
from ramuda.telemetry import log_reading, log_rows
from ramuda.telemetry.log_reading import EventPage, EventQuery, PageLimits
from ramuda.telemetry.model import GroupPresent, GroupRef, LogGroup, StreamDescription, StreamPresent, StreamQuery


class Logs:
    """Whatever is not found raises GroupMissing or StreamMissing."""

    def __init__(self, database: Database, clock: Clock, flush: Callable[[], Awaitable[None]]) -> None:
        self._database = database
        self._clock = clock
        self._flush = flush

    # -- groups ------------------------------------------------------------------------------------------------------

    async def create_group(self, group: LogGroup) -> None:
        """Raises GroupPresent."""
        await self._flush()
        try:
            await self._database.write(lambda tx: log_rows.insert_group(tx, group))
        except Conflict as e:
            raise GroupPresent(group.ref.name) from e

    async def delete_group(self, ref: GroupRef) -> None:
        """With everything in it. A stream that the platform still writes to makes the group anew, as on AWS."""
        await self._flush()
        await self._database.write(lambda tx: log_rows.delete_group(tx, log_rows.group_id(tx, ref)))

    async def group(self, ref: GroupRef) -> LogGroup:
        await self._flush()
        return await self._database.read(lambda tx: log_rows.read_group(tx, ref))

    async def groups(
        self, account: str, region: str, *, after: str = "", prefix: str = "", containing: str = "", limit: int
    ) -> list[LogGroup]:
        """In the order of their names, from the first after `after`."""
        await self._flush()
        return await self._database.read(
            lambda tx: log_rows.read_groups(
                tx, account, region, after=after, prefix=prefix, containing=containing, limit=limit
            )
        )

    async def change_group(self, ref: GroupRef, change: Callable[[LogGroup], LogGroup]) -> None:
        """Stores what `change` makes of the group: its retention, its tags. An exception of `change` changes
        nothing."""
        await self._flush()
        await self._database.write(lambda tx: log_rows.update_group(tx, change(log_rows.read_group(tx, ref))))

    # -- streams -----------------------------------------------------------------------------------------------------

    async def create_stream(self, group: GroupRef, name: str) -> None:
        """Raises StreamPresent."""
        await self._flush()
        created_ms = self._now_ms()
        try:
            await self._database.write(
                lambda tx: log_rows.insert_stream(tx, log_rows.group_id(tx, group), name, created_ms)
            )
        except Conflict as e:
            raise StreamPresent(name) from e

    async def delete_stream(self, group: GroupRef, name: str) -> None:
        await self._flush()
        await self._database.write(
            lambda tx: log_rows.delete_stream(tx, log_rows.stream_id(tx, log_rows.group_id(tx, group), name))
        )

    async def streams(self, query: StreamQuery) -> list[StreamDescription]:
        await self._flush()
        return await self._database.read(lambda tx: log_rows.read_streams(tx, query))

    # -- events ------------------------------------------------------------------------------------------------------

    async def put(self, group: GroupRef, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Stores events, milliseconds and message each. They are on disk when this returns."""
        await self._flush()
        now_ms = self._now_ms()

        def append(tx: Transaction) -> None:
            group_id = log_rows.group_id(tx, group)
            stream_id = log_rows.stream_id(tx, group_id, stream)
            if events:
                log_rows.append_events(tx, group_id, stream_id, list(events), now_ms)

        await self._database.write(append)

    async def events(
        self, query: EventQuery, limits: PageLimits, accepts: Callable[[str], bool] | None = None
    ) -> EventPage:
        """A page of events, in the query's direction, whose message `accepts` takes."""
        await self._flush()
        return await self._database.read(lambda tx: log_reading.read_page(tx, query, limits, accepts))

    def _now_ms(self) -> int:
        return int(self._clock.time() * 1000)
