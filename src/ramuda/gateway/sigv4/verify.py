"""Whether a request was signed by who it says it was.

The order of checks is AWS's: readable, known key, time, signature; a session's expiry last, so that an expired token is
only admitted to a caller who has its secret. Comparison takes the same time whatever differs.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

import hmac
from calendar import timegm
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Protocol

from ramuda.authz.credentials import KnownKey
from ramuda.gateway.messages import Request
from ramuda.gateway.sigv4 import chunks
from ramuda.gateway.sigv4.canonical import canonical_request, without_signature
from ramuda.gateway.sigv4.claim import ALGORITHM, Claim, Malformed, Reading
from ramuda.gateway.sigv4.keys import SigningKeys
from ramuda.gateway.sigv4.refusal import Reason, RefusedError
from ramuda.kernel.call import Principal
from ramuda.kernel.clock import Clock

SKEW_S = 5 * 60
"""https://repost.aws/knowledge-center/lambda-sdk-signature: "within 5 minutes of the timestamp in the request"."""
S3_SKEW_S = 15 * 60
"""https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html: "within 15 minutes"."""
PRESIGNED_S_MAX = 604_800
_EMPTY_HASH = sha256(b"").hexdigest()


class KeyFinder(Protocol):
    """Where access keys are found: `authz.credentials.CredentialStore`."""

    def find(self, access_key_id: str, token: str | None) -> KnownKey | None: ...


class Verifier:
    """Checks signatures against `keys`, with `clock`'s time."""

    def __init__(self, keys: KeyFinder, clock: Clock) -> None:
        self._keys, self._clock = keys, clock
        self._signing_keys = SigningKeys()
        self._last_timestamp = ("", 0.0)

    def verify(self, request: Request, reading: Reading) -> Principal:
        """Who signed. Raises RefusedError. A streamed body is checked while it is read: `request.stream` is replaced by
        one that raises RefusedError before its end when the body is not the one that was signed."""
        if reading is None:
            raise RefusedError(Reason.MISSING)
        if isinstance(reading, Malformed):
            raise RefusedError(Reason.INCOMPLETE, reading.message)
        key = self._keys.find(reading.scope.access_key_id, reading.session_token)
        if key is None:
            raise RefusedError(Reason.UNKNOWN_KEY)
        is_s3 = reading.scope.service == "s3"
        now_s = self._clock.time()
        self._check_time(reading, now_s, is_s3)
        _check_signed_headers(request, reading, is_s3)
        payload_hash = _payload_hash(request, reading, is_s3)
        signing_key = self._signing_keys.get(key.secret, reading.scope.text)
        _check_signature(request, reading, payload_hash, signing_key, is_s3)
        if key.expires_at_s is not None and key.expires_at_s <= now_s:
            raise RefusedError(Reason.EXPIRED_TOKEN)
        _check_body(request, reading, payload_hash, signing_key)
        return key.principal

    def _check_time(self, claim: Claim, now_s: float, is_s3: bool) -> None:
        signed_at_s = self._parse_timestamp(claim)
        skew_s = S3_SKEW_S if is_s3 else SKEW_S
        oldest_s = now_s - skew_s
        if claim.is_presigned:
            oldest_s = now_s - _expires_s(claim)
        if oldest_s <= signed_at_s <= now_s + skew_s:
            return
        raise RefusedError(
            Reason.EXPIRED_URL if claim.is_presigned else Reason.CLOCK,
            _clock_sentence(claim.timestamp, signed_at_s, now_s, skew_s, oldest_s),
        )

    def _parse_timestamp(self, claim: Claim) -> float:
        text = claim.timestamp
        known_text, known_s = self._last_timestamp
        seconds = known_s if text == known_text else _parse_instant(text)
        if seconds is None:
            raise RefusedError(Reason.INCOMPLETE, f"Date must be in ISO-8601 'basic format'. Got '{text}'.")
        self._last_timestamp = (text, seconds)
        day = claim.scope.date
        if not text.startswith(day) and _iso(seconds)[:8] != day:
            raise RefusedError(
                Reason.MISMATCH,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                f"'{day}' != '{_iso(seconds)[:8]}', from '{_iso(seconds)}'.",
            )
        return seconds


def _clock_sentence(timestamp: str, signed_at_s: float, now_s: float, skew_s: int, oldest_s: float) -> str:
    """AWS's words for a signature from the past or the future."""
    now, minutes = _iso(now_s), skew_s // 60
    if signed_at_s < oldest_s:
        return f"Signature expired: {timestamp} is now earlier than {_iso(oldest_s)} ({now} - {minutes} min.)"
    latest = _iso(now_s + skew_s)
    return f"Signature not yet current: {timestamp} is still later than {latest} ({now} + {minutes} min.)"


def _parse_instant(text: str) -> float | None:
    """`YYYYMMDDTHHMMSSZ`, or the HTTP date of a Date header."""
    try:
        if len(text) == 16 and text[8] == "T" and text[15] == "Z" and text[:8].isdigit() and text[9:15].isdigit():
            parts = (text[:4], text[4:6], text[6:8], text[9:11], text[11:13], text[13:15])
            instant = datetime(*map(int, parts), tzinfo=UTC)  # type: ignore[arg-type, misc]  # six integers
        else:
            instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    return float(timegm(instant.utctimetuple()))


def _iso(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y%m%dT%H%M%SZ")


def _expires_s(claim: Claim) -> int:
    text = claim.expires or ""
    if not text.isdecimal() or not 1 <= int(text) <= PRESIGNED_S_MAX:
        raise RefusedError(Reason.BAD_EXPIRY)
    return int(text)


def _check_signed_headers(request: Request, claim: Claim, is_s3: bool) -> None:
    signed = claim.scope.signed_headers
    if "host" not in signed:
        detail = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        raise RefusedError(Reason.MISMATCH, detail)
    if is_s3:
        for name in request.headers:
            if name.startswith("x-amz-") and name not in signed and name != "x-amz-content-sha256":
                raise RefusedError(Reason.UNSIGNED_HEADER)


def _payload_hash(request: Request, claim: Claim, is_s3: bool) -> str:
    """The last line of the canonical request: what the client says of its body, else what the body is."""
    announced = request.headers.get("x-amz-content-sha256")
    if announced is not None:
        return announced
    if is_s3 and claim.is_presigned:
        return chunks.UNSIGNED
    if request.stream is not None:
        # Only S3 streams bodies, and S3 wants the header.
        raise RefusedError(Reason.INCOMPLETE, "Missing required header for this request: x-amz-content-sha256")
    return sha256(request.body).hexdigest() if request.body else _EMPTY_HASH


def _check_signature(request: Request, claim: Claim, payload_hash: str, signing_key: bytes, is_s3: bool) -> None:
    canonical = canonical_request(
        method=request.method,
        path=request.path,
        query=without_signature(request.query) if claim.is_presigned else request.query,
        headers=request.headers,
        signed_headers=claim.scope.signed_headers,
        payload_hash=payload_hash,
        is_s3=is_s3,
    )
    text = f"{ALGORITHM}\n{claim.timestamp}\n{claim.scope.text}\n{sha256(canonical).hexdigest()}"
    expected = hmac.digest(signing_key, text.encode("latin-1"), sha256).hex()
    if not hmac.compare_digest(expected.encode(), claim.signature.encode("latin-1", "replace")):
        raise RefusedError(Reason.MISMATCH)


def _check_body(request: Request, claim: Claim, payload_hash: str, signing_key: bytes) -> None:
    """Compares the body with what was signed about it, at once or while it is streamed."""
    if payload_hash in (chunks.UNSIGNED, chunks.UNSIGNED_TRAILER) or "x-amz-content-sha256" not in request.headers:
        return
    checker = chunks.checker(payload_hash, claim, signing_key)
    if request.stream is not None:
        request.stream = _checked(request.stream, checker)
        return
    checker.feed(request.body)
    checker.finish()


async def _checked(pieces: AsyncIterator[bytes], checker: chunks.Checker) -> AsyncIterator[bytes]:
    """Passes pieces on one behind, so that the last is never given out for a body that turns out to be wrong."""
    held = b""
    async for piece in pieces:
        checker.feed(piece)
        if held:
            yield held
        held = piece
    checker.finish()
    if held:
        yield held
