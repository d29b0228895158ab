"""What is not there, in AWS's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from ramuda.services.logs import rules
from ramuda.telemetry.model import GroupMissing, StreamMissing


@contextmanager
def answered() -> Iterator[None]:
    """Raises ResourceNotFoundException for a group or stream that is not found inside."""
    try:
        yield
    except GroupMissing:
        raise rules.group_missing() from None
    except StreamMissing:
        raise rules.stream_missing() from None
