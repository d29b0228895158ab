"""Log groups, streams, chunks; metric series and points.

Times of logs are milliseconds since the epoch, those of metrics seconds. A chunk holds the events that one stream
received between two flushes (see `telemetry.chunks`); a point is what one series received in one period (see
`telemetry.statistics`)."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_logs()
    _create_metrics()


def _create_logs() -> None:
    op.create_table(
        "log_groups",
        _id(),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("retention_days", sa.BigInteger),
        sa.Column("record", sa.Text, nullable=False),
        sa.UniqueConstraint("account", "region", "name"),
        sqlite_autoincrement=True,  # a number is never given to another group: whoever remembers it finds nothing
    )
    op.create_table(
        "log_streams",
        _id(),
        sa.Column("group_id", sa.BigInteger, sa.ForeignKey("log_groups.id"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("first_ms", sa.BigInteger),
        sa.Column("last_ms", sa.BigInteger),
        sa.Column("ingested_ms", sa.BigInteger),
        sa.Column("stored_bytes", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("group_id", "name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "log_chunks",
        _id(),
        sa.Column("group_id", sa.BigInteger, nullable=False),
        sa.Column("stream_id", sa.BigInteger, nullable=False),
        sa.Column("first_ms", sa.BigInteger, nullable=False),
        sa.Column("last_ms", sa.BigInteger, nullable=False),
        sa.Column("ingested_ms", sa.BigInteger, nullable=False),
        sa.Column("stored_bytes", sa.BigInteger, nullable=False),
        sa.Column("events", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("log_chunks_of_group", "log_chunks", ["group_id", "first_ms"])
    op.create_index("log_chunks_of_stream", "log_chunks", ["stream_id", "first_ms"])
    op.create_index("log_chunks_of_stream_by_end", "log_chunks", ["stream_id", "last_ms"])


def _create_metrics() -> None:
    op.create_table(
        "metric_series",
        _id(),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("dimensions", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.UniqueConstraint("account", "region", "namespace", "name", "dimensions", "unit"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "metric_points",
        sa.Column("series_id", sa.BigInteger, nullable=False),
        sa.Column("period_s", sa.BigInteger, nullable=False),
        sa.Column("start_s", sa.BigInteger, nullable=False),
        sa.Column("count", sa.Double, nullable=False),
        sa.Column("sum", sa.Double, nullable=False),
        sa.Column("minimum", sa.Double, nullable=False),
        sa.Column("maximum", sa.Double, nullable=False),
        sa.Column("distribution", sa.LargeBinary),
        sa.PrimaryKeyConstraint("series_id", "period_s", "start_s"),
        sqlite_with_rowid=False,
    )
    op.create_index("metric_points_by_age", "metric_points", ["period_s", "start_s"])


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True)
