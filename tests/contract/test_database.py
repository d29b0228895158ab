"""What every implementation of `ports.database.Database` does. Run on each of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.database import Conflict, Database, Row, Transaction
from ramuda.storage.sqlite import SqliteDatabase

OpenAgain = Callable[[], Awaitable[Database]]


@pytest.fixture(params=["sqlite-full", "sqlite-normal"])
async def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenAgain]:
    """Opens the test's one database; what was opened is closed at the end."""
    opened: list[Database] = []

    async def open_one() -> Database:
        sync = "full" if request.param == "sqlite-full" else "normal"
        opened.append(SqliteDatabase.open(tmp_path / "state.db", schema="state", sync=sync))
        return opened[-1]

    yield open_one
    for database in opened:
        await database.close()


@pytest.fixture
async def database(open_again: OpenAgain) -> Database:
    return await open_again()


def put(name: str, value: str) -> Callable[[Transaction], int]:
    return lambda tx: tx.execute(
        "INSERT INTO settings (name, value) VALUES (:name, :value)", {"name": name, "value": value}
    )


def everything(tx: Transaction) -> list[Row]:
    return tx.fetch_all("SELECT name, value FROM settings ORDER BY name")


async def test_what_was_written_is_read(database: Database) -> None:
    changed = await database.write(put("a", "1"))
    assert (changed, await database.read(everything)) == (1, [{"name": "a", "value": "1"}])


async def test_what_was_written_is_there_after_opening_again(open_again: OpenAgain) -> None:
    first = await open_again()
    await first.write(put("a", "1"))
    await first.close()
    second = await open_again()
    assert await second.read(everything) == [{"name": "a", "value": "1"}]


async def test_a_write_that_raises_changes_nothing_and_raises_to_its_caller(database: Database) -> None:
    def fail(tx: Transaction) -> None:
        put("a", "1")(tx)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await database.write(fail)
    assert await database.read(everything) == []


async def test_of_writes_made_together_only_the_failing_one_is_undone(database: Database) -> None:
    def fail(tx: Transaction) -> int:
        put("bad", "1")(tx)
        raise LookupError("mine")

    writes = [database.write(put(f"w{i}", str(i)) if i % 3 else fail) for i in range(9)]
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(result) for result in results] == [LookupError, int, int] * 3
    assert [row["name"] for row in await database.read(everything)] == ["w1", "w2", "w4", "w5", "w7", "w8"]


async def test_writes_see_those_before_them(database: Database) -> None:
    def count(tx: Transaction) -> int:
        tx.execute(
            "INSERT INTO settings (name, value) VALUES ('n', '1')"
            " ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(settings.value AS INTEGER) + 1 AS TEXT)"
        )
        row = tx.fetch_one("SELECT value FROM settings WHERE name = 'n'")
        assert row is not None
        return int(row["value"])

    assert await asyncio.gather(*(database.write(count) for _ in range(50))) == list(range(1, 51))


async def test_a_row_that_is_there_already_is_a_conflict(database: Database) -> None:
    await database.write(put("a", "1"))
    with pytest.raises(Conflict):
        await database.write(put("a", "2"))
    assert await database.read(everything) == [{"name": "a", "value": "1"}]


async def test_a_missing_value_is_not_a_conflict(database: Database) -> None:
    with pytest.raises(PortError) as raised:
        await database.write(lambda tx: tx.execute("INSERT INTO settings (name) VALUES ('a')"))
    assert (type(raised.value), raised.value.retryable) == (PortError, False)


async def test_a_statement_that_is_wrong_is_an_error_of_the_port(database: Database) -> None:
    with pytest.raises(PortError, match="no_such_table"):
        await database.read(lambda tx: tx.fetch_all("SELECT * FROM no_such_table"))


async def test_a_number_too_large_to_store_is_an_error_of_the_port(database: Database) -> None:
    with pytest.raises(PortError, match="too large"):
        await database.read(lambda tx: tx.fetch_all("SELECT * FROM layers WHERE last_version = :n", {"n": 2**63}))


async def test_an_error_does_not_show_the_values(database: Database) -> None:
    await database.write(put("a", "1"))
    with pytest.raises(Conflict) as raised:
        await database.write(put("a", "hunter2"))
    assert "hunter2" not in str(raised.value)


async def test_a_read_must_not_write(database: Database) -> None:
    with pytest.raises(PortError):
        await database.read(put("a", "1"))
    assert await database.read(everything) == []


async def test_a_read_sees_one_snapshot(database: Database) -> None:
    """A write that commits while the read is under way does not show in it."""
    loop = asyncio.get_running_loop()

    def read_twice(tx: Transaction) -> tuple[int, int]:
        before = len(everything(tx))
        asyncio.run_coroutine_threadsafe(database.write(put("a", "1")), loop).result(timeout=10)
        return before, len(everything(tx))

    assert await database.read(read_twice) == (0, 0)
    assert len(await database.read(everything)) == 1


async def test_execute_tells_how_many_rows_it_changed(database: Database) -> None:
    def work(tx: Transaction) -> tuple[int, int]:
        tx.execute_many("INSERT INTO settings (name, value) VALUES (:name, '1')", ({"name": f"n{i}"} for i in range(5)))
        updated = tx.execute("UPDATE settings SET value = '2' WHERE name < 'n3'")
        return updated, tx.execute("DELETE FROM settings WHERE name = 'none'")

    assert await database.write(work) == (3, 0)


async def test_execute_many_with_nothing_does_nothing(database: Database) -> None:
    await database.write(lambda tx: tx.execute_many("INSERT INTO settings (name, value) VALUES (:n, '')", []))
    assert await database.read(everything) == []


async def test_fetch_one_gives_none_when_there_is_no_row(database: Database) -> None:
    assert await database.read(lambda tx: tx.fetch_one("SELECT * FROM settings")) is None


async def test_closing_finishes_what_was_asked_before(open_again: OpenAgain) -> None:
    first = await open_again()
    writes = [asyncio.ensure_future(first.write(put(f"{i:03}", "x"))) for i in range(200)]
    await asyncio.sleep(0)
    await first.close()
    await asyncio.gather(*writes)
    second = await open_again()
    assert len(await second.read(everything)) == 200


async def test_when_the_disk_is_full_exactly_the_acknowledged_writes_are_there(database: Database) -> None:
    def limit(tx: Transaction) -> None:
        row = tx.fetch_one("PRAGMA page_count")
        assert row is not None
        tx.execute(f"PRAGMA max_page_count = {row['page_count'] + 30}")

    await database.write(limit)
    results: list[int | BaseException] = []
    for sizes in ([10, 20, 30], [10, 500_000, 20], [10, 20]):
        number = len(results)
        writes = [database.write(put(f"{number + place}", "x" * size)) for place, size in enumerate(sizes)]
        results += await asyncio.gather(*writes, return_exceptions=True)
    acknowledged = [f"{number}" for number, result in enumerate(results) if result == 1]
    assert [row["name"] for row in await database.read(everything)] == acknowledged
    assert {"0", "1", "2", "6", "7"} <= set(acknowledged)
    assert (type(results[4]), "full" in str(results[4])) == (PortError, True)


async def test_a_closed_database_refuses(database: Database) -> None:
    await database.close()
    with pytest.raises(PortError, match="closed"):
        await database.write(put("a", "1"))
    with pytest.raises(PortError, match="closed"):
        await database.read(everything)


async def test_a_caller_that_gives_up_does_not_disturb_the_others(database: Database) -> None:
    given_up = asyncio.ensure_future(database.write(put("a", "1")))
    kept = asyncio.ensure_future(database.write(put("b", "2")))
    await asyncio.sleep(0)
    given_up.cancel()
    assert await kept == 1
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert "b" in [row["name"] for row in await database.read(everything)]


async def test_every_commit_is_another_version_whichever_opening_made_it(open_again: OpenAgain) -> None:
    first, second = await open_again(), await open_again()
    seen = [first.version(), first.version()]
    assert seen[0] == seen[1]
    await first.write(put("a", "1"))
    seen.append(first.version())
    await second.write(put("b", "2"))
    seen.append(first.version())
    assert len(set(seen)) == 3
    assert await first.read(everything) == [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    assert first.version() == seen[-1]
