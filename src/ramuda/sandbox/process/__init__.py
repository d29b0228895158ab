"""The process backend: functions as plain child processes of the server. Not isolation, and said aloud at start."""

from ramuda.sandbox.process.backend import Backend, examine

__all__ = ["Backend", "examine"]
