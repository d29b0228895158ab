"""The embedded database: opening, migrations, permissions, and what is left after kill -9."""

import asyncio
import os
import shutil
import signal
import sqlite3
import stat
import sys
import textwrap
import traceback
from pathlib import Path
from subprocess import PIPE, Popen, run
from typing import get_args

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from ramuda.kernel.errors import ConfigError, PortError
from ramuda.kernel.ports.database import Conflict, Transaction
from ramuda.storage import migrations
from ramuda.storage.migrations import Schema
from ramuda.storage.sqlite import SqliteDatabase

SCHEMAS: tuple[Schema, ...] = get_args(Schema)


async def columns(path: Path, schema: Schema) -> dict[str, list[str]]:
    database = SqliteDatabase.open(path, schema=schema)

    def read(tx: Transaction) -> dict[str, list[str]]:
        tables = [row["name"] for row in tx.fetch_all("SELECT name FROM sqlite_master WHERE type = 'table'")]
        wanted = sorted(name for name in tables if not name.startswith(("sqlite_", "alembic_")))
        return {name: [row["name"] for row in tx.fetch_all(f"PRAGMA table_info({name})")] for name in wanted}

    found = await database.read(read)
    await database.close()
    return found


async def test_a_new_state_database_has_its_tables(tmp_path: Path) -> None:
    owner = ["account", "region", "name"]
    assert await columns(tmp_path / "state.db", "state") == {
        "access_keys": ["access_key_id", "account", "secret", "principal_arn", "created_at"],
        "blobs": ["key"],
        "function_versions": [*owner, "version", "record", "code_bytes", "unsettled"],
        "functions": [*owner, "record"],
        "lambda_deliveries": ["id", "target", "delivery", "made_at", "due_at", "attempts"],
        "lambda_events": [
            "sequence",
            *owner,
            "qualifier",
            "request_id",
            "payload",
            "trace",
            "accepted_at",
            "due_at",
            "attempts",
            "refusals",
            "answer",
            "answer_version",
            "answer_is_error",
        ],
        "lambda_records": ["kind", "account", "region", "name", "qualifier", "record"],
        "layer_versions": [*owner, "version", "record", "code_bytes"],
        "layers": [*owner, "last_version"],
        "settings": ["name", "value"],
    }


async def test_a_new_telemetry_database_has_its_tables(tmp_path: Path) -> None:
    assert list(await columns(tmp_path / "t.db", "telemetry")) == [
        "log_chunks",
        "log_groups",
        "log_streams",
        "metric_points",
        "metric_series",
    ]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_newest_revision_by_its_file_is_alembics_head(schema: Schema) -> None:
    folder = Path(migrations.__file__).parent
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("version_locations", str(folder / schema))
    config.set_main_option("path_separator", "newline")
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.revisions(schema)[-1]]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_opening_a_current_database_does_not_import_alembic(schema: Schema, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    script = textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from ramuda.storage.sqlite import SqliteDatabase
        asyncio.run(SqliteDatabase.open(Path({str(path)!r}), schema={schema!r}).close())
        print("alembic" in sys.modules)
    """)
    outputs = [run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert outputs == ["True\n", "False\n"]


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    asyncio.run(SqliteDatabase.open(path, schema="state").close())
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version_state SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(ConfigError, match=r"state\.db was written by a newer Ramuda \(revision 9999"):
        SqliteDatabase.open(path, schema="state")


def test_tables_are_not_changed_below_a_server_that_knows_the_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with pytest.raises(ConfigError, match=r"state\.db is in use by an older Ramuda \(revision None, this one needs "):
        SqliteDatabase.open(path, schema="state", may_upgrade=False)
    asyncio.run(SqliteDatabase.open(path, schema="state").close())
    asyncio.run(SqliteDatabase.open(path, schema="state", may_upgrade=False).close())


@pytest.fixture
def copied_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the migrations, to be changed by a test."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder)
    monkeypatch.setattr(migrations, "_FOLDER", folder)
    return folder


async def test_an_older_database_is_brought_up_to_date_and_keeps_what_it_has(
    tmp_path: Path, copied_migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in copied_migrations.glob("state/r*.py"):
        if not file.name.startswith("r0001"):
            file.unlink()
    path = tmp_path / "state.db"
    old = SqliteDatabase.open(path, schema="state")
    await old.write(
        lambda tx: tx.execute(
            "INSERT INTO function_versions (account, region, name, version, record) VALUES ('a', 'r', 'f', 0, '{}')"
        )
    )
    await old.close()
    monkeypatch.undo()
    new = SqliteDatabase.open(path, schema="state")
    rows = await new.read(lambda tx: tx.fetch_all("SELECT name, code_bytes FROM function_versions"))
    await new.close()
    assert rows == [{"name": "f", "code_bytes": 0}]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, copied_migrations: Path) -> None:
    last = migrations.revisions("state")[-1]
    failing = copied_migrations / "state" / "r9000_failing.py"
    failing.write_text(
        f"from alembic import op\nrevision, down_revision = '9000', '{last}'\n"
        "def upgrade():\n    op.execute('CREATE TABLE half (a)')\n    op.execute('nonsense')\n"
    )
    path = tmp_path / "state.db"
    with pytest.raises(PortError, match="nonsense"):
        SqliteDatabase.open(path, schema="state")
    failing.unlink()
    assert "half" not in asyncio.run(columns(path, "state"))


def test_a_place_that_cannot_be_written_is_an_error_of_the_port(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PortError, match="cannot open the database"):
        SqliteDatabase.open(tmp_path / "file" / "state.db", schema="state")


def test_a_database_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    asyncio.run(SqliteDatabase.open(path, schema="telemetry").close())
    with pytest.raises(ConfigError, match="is not a state database"):
        SqliteDatabase.open(path, schema="state")


def test_a_file_that_is_no_database_is_an_error_of_the_port(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(PortError, match="not a database"):
        SqliteDatabase.open(path, schema="state")


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "data" / "state.db"
    asyncio.run(SqliteDatabase.open(path, schema="state").close())
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path.parent, path)] == [0o700, 0o600]


async def test_its_journal_is_private_too(tmp_path: Path) -> None:
    database = SqliteDatabase.open(tmp_path / "state.db", schema="state")
    await database.write(lambda tx: tx.execute("INSERT INTO settings (name, value) VALUES ('a', 'b')"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    await database.close()
    assert modes == {"state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600}


def test_a_folder_with_a_space_and_other_signs_can_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "my data %41 ?x=1#y" / "state.db"
    asyncio.run(SqliteDatabase.open(path, schema="state").close())
    assert path.stat().st_size > 0


async def test_a_database_locked_by_another_process_is_worth_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ramuda.storage.sqlite.connection.BUSY_TIMEOUT_MS", 1)
    path = tmp_path / "state.db"
    database = SqliteDatabase.open(path, schema="state")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    insert = "INSERT INTO settings (name, value) VALUES ('a', 'b')"
    with pytest.raises(PortError) as raised:
        await database.write(lambda tx: tx.execute(insert))
    other.execute("ROLLBACK")
    other.close()
    assert raised.value.retryable
    assert await database.write(lambda tx: tx.execute(insert)) == 1
    await database.close()


async def names_of_settings(path: Path) -> set[str]:
    database = SqliteDatabase.open(path, schema="state")
    rows = await database.read(lambda tx: tx.fetch_all("SELECT name FROM settings"))
    await database.close()
    return {row["name"] for row in rows}


WRITER = """
import asyncio, sys
from pathlib import Path
from ramuda.storage.sqlite import SqliteDatabase

async def main():
    database = SqliteDatabase.open(Path(sys.argv[1]), schema="state")
    async def write(n):
        await database.write(lambda tx: tx.execute(
            "INSERT INTO settings (name, value) VALUES (:n, :v)", {"n": str(n), "v": "x" * 500}))
        sys.stdout.write(f"{n}\\n")
        sys.stdout.flush()
    for begin in range(0, 1_000_000, 20):
        await asyncio.gather(*(write(begin + i) for i in range(20)))

asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged_before_the_kill", [1, 333, 1_000])
def test_every_acknowledged_write_survives_kill_9(tmp_path: Path, acknowledged_before_the_kill: int) -> None:
    path = tmp_path / "state.db"
    with Popen([sys.executable, "-c", WRITER, str(path)], stdout=PIPE, text=True) as child:
        assert child.stdout is not None
        acknowledged = [child.stdout.readline().strip() for _ in range(acknowledged_before_the_kill)]
        os.kill(child.pid, signal.SIGKILL)
        acknowledged += [line.strip() for line in child.stdout if line.endswith("\n")]
    assert child.returncode == -signal.SIGKILL
    assert set(acknowledged) <= asyncio.run(names_of_settings(path))
    assert len(acknowledged) >= acknowledged_before_the_kill


async def test_what_is_stored_stands_in_no_traceback(tmp_path: Path) -> None:
    """A payload or a secret would get into the log by it."""
    database = SqliteDatabase.open(tmp_path / "state.db", schema="state")
    row = {"access_key_id": "AKIA", "account": "1", "secret": "s3cret", "principal_arn": "a", "created_at": 1.0}
    text = (
        "INSERT INTO access_keys (access_key_id, account, secret, principal_arn, created_at)"
        " VALUES (:access_key_id, :account, :secret, :principal_arn, :created_at)"
    )
    await database.write(lambda tx: tx.execute(text, row))
    with pytest.raises(Conflict) as caught:
        await database.write(lambda tx: tx.execute(text, row))
    await database.close()
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
