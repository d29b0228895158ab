"""What belongs to functions, layers and accounts beside versions: aliases, policies, URLs, event source mappings."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = ("kind", "account", "region", "name", "qualifier")


def upgrade() -> None:
    op.create_table(
        "lambda_records",
        *(sa.Column(column, sa.Text, nullable=False) for column in KEY),
        sa.Column("record", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint(*KEY),
    )
