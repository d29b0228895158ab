"""Where identifiers come from. Randomness is a parameter, so that a test can foresee it."""

import os
import uuid
from typing import Protocol


class Ids(Protocol):
    """A source of identifiers."""

    def uuid(self) -> str:
        """A request id, revision id ...: 36 characters, lower case."""
        ...

    def hex(self, digits: int) -> str:
        """`digits` lower-case hexadecimal digits; `digits` is even."""
        ...


class RandomIds:
    """Identifiers from the operating system's random source."""

    def uuid(self) -> str:
        h = (int.from_bytes(os.urandom(16), "big") & ~(0xF << 76) & ~(0x3 << 62)) | (4 << 76) | (2 << 62)
        t = f"{h:032x}"
        return f"{t[:8]}-{t[8:12]}-{t[12:16]}-{t[16:20]}-{t[20:]}"

    def hex(self, digits: int) -> str:
        return os.urandom(digits // 2).hex()


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in its 36-character form."""
    if len(text) != 36:
        return False
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
