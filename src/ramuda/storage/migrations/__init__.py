"""The tables of each database and the steps that made them, by Alembic.

Each schema has a folder of revisions `rNNNN_what.py`, applied in the order of their numbers. A step that was released
is never edited: the next change is the next step. Steps use Alembic's operations, so that they also run on
PostgreSQL.

Opening must be fast, and Alembic takes longer to import than a server's whole start may: it is imported only when
there is a step to run. https://alembic.sqlalchemy.org/en/latest/tutorial.html"""

from pathlib import Path
from typing import Literal, TypeAlias

from sqlalchemy.engine import Connection

from ramuda.kernel.errors import ConfigError

Schema: TypeAlias = Literal["state", "telemetry"]

_FOLDER = Path(__file__).parent


def revisions(schema: Schema) -> list[str]:
    """The known revisions of `schema`, oldest first: `["0001", ...]`."""
    return sorted(path.name[1:5] for path in (_FOLDER / schema).glob("r[0-9][0-9][0-9][0-9]_*.py"))


def upgrade(connection: Connection, schema: Schema, name: str, *, allowed: bool = True) -> None:
    """Brings the tables behind `connection` to the newest revision. `name` says in errors which database it is.

    Raises ConfigError when the database has a revision that is not known here, or needs a step and none is `allowed`.
    """
    known = revisions(schema)
    current = _current(connection, schema, name)
    if current == known[-1]:
        return
    if current is not None and current not in known:
        raise ConfigError(
            f"{name} was written by a newer Ramuda (revision {current}, this one knows up to {known[-1]}): "
            "start that version, or use another data directory"
        )
    if not allowed:
        raise ConfigError(
            f"{name} is in use by an older Ramuda (revision {current}, this one needs {known[-1]}): stop that first"
        )
    _run(connection, schema)


def _current(connection: Connection, schema: Schema, name: str) -> str | None:
    """The revision of the database, None for an empty one."""
    tables = {row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")}
    version_table = _version_table(schema)
    if version_table not in tables:
        if tables:
            raise ConfigError(f"{name} is not a {schema} database of Ramuda: use another data directory")
        return None
    row = connection.exec_driver_sql(f"SELECT version_num FROM {version_table}").first()  # noqa: S608 - one of two constants
    return None if row is None else str(row[0])


def _version_table(schema: Schema) -> str:
    """Named after the schema, so that one kind of database is not taken for another."""
    return f"alembic_version_{schema}"


def _run(connection: Connection, schema: Schema) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", _option(_FOLDER))
    config.set_main_option("version_locations", _option(_FOLDER / schema))
    config.set_main_option("path_separator", "newline")  # a folder's name may have a space in it
    config.attributes["connection"] = connection
    config.attributes["version_table"] = _version_table(schema)
    command.upgrade(config, "head")


def _option(path: Path) -> str:
    """Alembic's options take a percent sign for the beginning of a variable."""
    return str(path).replace("%", "%%")
