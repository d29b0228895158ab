"""Temporary credentials that are stored nowhere: what an access key id and its session token say by themselves.

A session token is base64 of `version | MAC | JSON`. The MAC covers the access key id too, so a token belongs to one id;
the secret key is derived from the id. Both use keys derived from the server's secret for that one purpose.

AWS says that a client must not assume anything about a token's size or content:
https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html
"""

import base64
import binascii
import hashlib
import hmac
import os

import msgspec

_VERSION = b"\x01"
_MAC_BYTES = 32


class Session(msgspec.Struct, frozen=True, array_like=True):
    """Whom a temporary key stands for, and until when (epoch seconds)."""

    account: str
    principal_arn: str
    user_id: str
    expires_at_s: float


def new_key_id(prefix: str) -> str:
    """A 20-character access key id: `AKIA` (long-term) or `ASIA` (temporary) and 80 random bits in base 32."""
    return prefix + base64.b32encode(os.urandom(10)).decode()


def new_secret() -> str:
    """A 40-character random secret access key."""
    return base64.b64encode(os.urandom(30)).decode()


def derive_secret(server_secret: bytes, access_key_id: str) -> str:
    """The secret access key of a temporary id: 40 characters, always the same for the same id."""
    return base64.b64encode(_mac(server_secret, b"secret-access-key", access_key_id.encode())[:30]).decode()


def seal(server_secret: bytes, access_key_id: str, session: Session) -> str:
    body = msgspec.json.encode(session)
    mac = _mac(server_secret, b"session-token", access_key_id.encode() + b"\0" + body)
    return base64.b64encode(_VERSION + mac + body).decode()


def open_token(server_secret: bytes, access_key_id: str, token: str) -> Session | None:
    """What was sealed, or None when the token was not made here for this id."""
    try:
        raw = base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):
        return None
    mac, body = raw[1 : 1 + _MAC_BYTES], raw[1 + _MAC_BYTES :]
    expected = _mac(server_secret, b"session-token", access_key_id.encode() + b"\0" + body)
    if raw[:1] != _VERSION or not hmac.compare_digest(mac, expected):
        return None
    return msgspec.json.decode(body, type=Session)


def _mac(server_secret: bytes, purpose: bytes, message: bytes) -> bytes:
    key = hmac.digest(server_secret, purpose, hashlib.sha256)
    return hmac.digest(key, message, hashlib.sha256)
