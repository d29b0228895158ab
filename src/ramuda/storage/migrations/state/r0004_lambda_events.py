"""Asynchronous invocations that were accepted and are not finished, and what is to be delivered of finished ones."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WAITING = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    # Where due_at is NULL, the server has it in memory; after a crash it is due at once.
    op.create_table(
        "lambda_events",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("qualifier", sa.Text),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("trace", sa.Text),
        sa.Column("accepted_at", sa.Double, nullable=False),
        sa.Column("due_at", sa.Double),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("refusals", sa.Integer, nullable=False),
        sa.Column("answer", sa.LargeBinary),
        sa.Column("answer_version", sa.Text),
        sa.Column("answer_is_error", sa.SmallInteger),
    )
    op.create_index(
        "lambda_events_due",
        "lambda_events",
        ["account", "region", "name", "due_at"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_table(
        "lambda_deliveries",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("delivery", sa.Text, nullable=False),
        sa.Column("made_at", sa.Double, nullable=False),
        sa.Column("due_at", sa.Double),
        sa.Column("attempts", sa.Integer, nullable=False),
    )
    op.create_index(
        "lambda_deliveries_due", "lambda_deliveries", ["due_at"], sqlite_where=WAITING, postgresql_where=WAITING
    )
