"""Bodies that were signed in pieces (`aws-chunked`), and bodies signed by their hash. Checked while they pass by,
changed never.

`HEX;chunk-signature=SIG\r\nDATA\r\n`, each signature over the one before it; with `-TRAILER` headers follow, signed as
well.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
"""

import hmac
from enum import Enum
from hashlib import sha256
from typing import Protocol

from ramuda.gateway.sigv4.claim import Claim
from ramuda.gateway.sigv4.refusal import Reason, RefusedError

UNSIGNED = "UNSIGNED-PAYLOAD"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"

_EMPTY_HASH = sha256(b"").hexdigest()
_LINE_BYTES = 16 * 1024
"""More than any chunk's first line or trailer needs; a longer one is not what was signed."""


class Checker(Protocol):
    """Takes a body piece by piece. Both methods raise RefusedError as soon as it is sure that it is not the signed
    one."""

    def feed(self, data: bytes) -> None: ...
    def finish(self) -> None: ...


def checker(payload_hash: str, claim: Claim, signing_key: bytes) -> Checker:
    """The checker for a value of `x-amz-content-sha256` that says something about the body."""
    if payload_hash in (SIGNED_CHUNKS, SIGNED_TRAILER):
        return SignedChunks(claim, signing_key, has_trailer=payload_hash == SIGNED_TRAILER)
    return HashedBody(payload_hash)


class HashedBody:
    """A body whose hash was signed."""

    def __init__(self, expected: str) -> None:
        self._expected = expected
        self._hash = sha256()

    def feed(self, data: bytes) -> None:
        self._hash.update(data)

    def finish(self) -> None:
        if not hmac.compare_digest(self._hash.hexdigest().encode(), self._expected.encode("latin-1", "replace")):
            raise RefusedError(Reason.CONTENT)


class _State(Enum):
    LINE = "in a chunk's first line"
    DATA = "in a chunk's data"
    DATA_END = "at the line break after a chunk's data"
    TRAILER = "in the trailing headers"
    END = "after the last chunk"


class SignedChunks:
    """A body in which each chunk is signed."""

    def __init__(self, claim: Claim, signing_key: bytes, *, has_trailer: bool) -> None:
        self._prefix = f"{claim.timestamp}\n{claim.scope.text}"
        self._previous = claim.signature
        self._signing_key = signing_key
        self._has_trailer = has_trailer
        self._state = _State.LINE
        self._buffer = b""
        self._left_bytes = 0
        self._is_last = False
        self._hash = sha256()
        self._claimed = ""
        self._trailer: list[bytes] = []

    def feed(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer and self._state is not _State.END:
            if not self._step():
                return

    def finish(self) -> None:
        if self._state is not _State.END:
            raise RefusedError(Reason.CONTENT)

    def _step(self) -> bool:
        """Takes one thing off the buffer; False when it needs more bytes for that."""
        if self._state is _State.DATA:
            taken = self._buffer[: self._left_bytes]
            self._hash.update(taken)
            self._left_bytes -= len(taken)
            self._buffer = self._buffer[len(taken) :]
            if self._left_bytes == 0:
                self._end_chunk()
            return True
        line, found, rest = self._buffer.partition(b"\r\n")
        if not found:
            if len(self._buffer) > _LINE_BYTES:
                raise RefusedError(Reason.CONTENT)
            return False
        self._buffer = rest
        self._take_line(line)
        return True

    def _take_line(self, line: bytes) -> None:
        match self._state:
            case _State.LINE:
                self._begin_chunk(line)
            case _State.DATA_END if not line:
                self._state = _State.LINE
            case _State.TRAILER:
                self._take_trailer(line)
            case _:
                raise RefusedError(Reason.CONTENT)

    def _begin_chunk(self, line: bytes) -> None:
        size, separator, signature = line.partition(b";chunk-signature=")
        try:
            self._left_bytes = int(size, 16)
        except ValueError:
            raise RefusedError(Reason.CONTENT) from None
        if not separator or self._left_bytes < 0:
            raise RefusedError(Reason.CONTENT)
        self._claimed = signature.decode("latin-1")
        self._hash = sha256()
        self._state = _State.DATA
        self._is_last = self._left_bytes == 0
        if self._is_last:
            self._end_chunk()

    def _end_chunk(self) -> None:
        self._check("AWS4-HMAC-SHA256-PAYLOAD", f"{_EMPTY_HASH}\n{self._hash.hexdigest()}", self._claimed)
        if not self._is_last:
            self._state = _State.DATA_END
        else:
            self._state = _State.TRAILER if self._has_trailer else _State.END

    def _take_trailer(self, line: bytes) -> None:
        """`name:value` lines up to `x-amz-trailer-signature:SIG`, which signs them."""
        name, _, value = line.partition(b":")
        if name.strip().lower() != b"x-amz-trailer-signature":
            if line:
                self._trailer.append(name.strip().lower() + b":" + value.strip() + b"\n")
            return
        signed = sha256(b"".join(self._trailer)).hexdigest()
        self._check("AWS4-HMAC-SHA256-TRAILER", signed, value.strip().decode("latin-1"))
        self._state = _State.END

    def _check(self, algorithm: str, what: str, claimed: str) -> None:
        text = f"{algorithm}\n{self._prefix}\n{self._previous}\n{what}"
        expected = hmac.digest(self._signing_key, text.encode("latin-1"), sha256).hex()
        if not hmac.compare_digest(expected.encode(), claimed.encode("latin-1", "replace")):
            raise RefusedError(Reason.MISMATCH)
        self._previous = expected
