"""What Lambda looks for beside its records: sizes of code, versions under way, and the blobs that were ever begun."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("function_versions", "layer_versions"):
        op.add_column(table, sa.Column("code_bytes", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("function_versions", sa.Column("unsettled", sa.SmallInteger, nullable=False, server_default="0"))
    op.create_index("function_versions_unsettled", "function_versions", ["unsettled"])
    op.create_table("blobs", sa.Column("key", sa.Text, primary_key=True))
