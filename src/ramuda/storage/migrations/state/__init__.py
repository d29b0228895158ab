"""Durable state: functions, layers, access keys, settings. `record` columns are JSON that carries its own version."""
