"""Run by Alembic: applies revisions over the connection that `migrations.upgrade` brings, all in one transaction."""

from alembic import context

_attributes = context.config.attributes
_connection = _attributes["connection"]

context.configure(connection=_connection, version_table=_attributes["version_table"], transactional_ddl=False)
_connection.exec_driver_sql("BEGIN IMMEDIATE")
try:
    context.run_migrations()
except BaseException:
    _connection.exec_driver_sql("ROLLBACK")
    raise
_connection.exec_driver_sql("COMMIT")
