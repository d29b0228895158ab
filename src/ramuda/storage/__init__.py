"""Adapters of `kernel.ports.database` and `kernel.ports.blobs`: where state lies on disk.

`sqlite` is the embedded database, `files` the content-addressed folder of code and payloads, `migrations` the tables
and how they came to be. SQLAlchemy and Alembic are used here and nowhere else."""
