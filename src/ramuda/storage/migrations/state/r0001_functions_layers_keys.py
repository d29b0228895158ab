"""Functions and their versions, layers, access keys, settings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    owner = ("account", "region", "name")
    op.create_table(
        "functions", *_owner(), sa.Column("record", sa.Text, nullable=False), sa.PrimaryKeyConstraint(*owner)
    )
    for table in ("function_versions", "layer_versions"):
        op.create_table(
            table,
            *_owner(),
            sa.Column("version", sa.BigInteger, nullable=False),
            sa.Column("record", sa.Text, nullable=False),
            sa.PrimaryKeyConstraint(*owner, "version"),
        )
    # A layer's version numbers are never given twice, also when every version of it was deleted.
    op.create_table(
        "layers",
        *_owner(),
        sa.Column("last_version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(*owner),
    )
    op.create_table(
        "access_keys",
        sa.Column("access_key_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("principal_arn", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _owner() -> tuple[sa.Column[str], sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
    )
