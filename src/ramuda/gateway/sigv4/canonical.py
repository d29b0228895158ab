"""The canonical request: the one form of a request that client and server both hash. Pure.

S3 signs the path as it is on the wire; every other service encodes it once more after removing empty and dot segments.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes

_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+/?", re.ASCII)
"""A path that no rule changes: unreserved characters, no empty or dot segments."""
_PLAIN_QUERY = re.compile(r"[A-Za-z0-9_.~-]+=(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})*", re.ASCII)
"""One parameter that is encoded as the rules want it."""


def canonical_request(
    *,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    signed_headers: tuple[str, ...],
    payload_hash: str,
    is_s3: bool,
) -> bytes:
    """`headers` have lower-case names. `query` is without the signature of a presigned URL."""
    lines = [method, _path_s3(path) if is_s3 else canonical_path(path), canonical_query(query)]
    for name in signed_headers:
        value = headers.get(name, "")
        if "  " in value or "\t" in value:
            value = " ".join(value.split())
        lines.append(f"{name}:{value.strip()}")
    lines += ["", ";".join(signed_headers), payload_hash]
    return "\n".join(lines).encode("latin-1")  # the way the wire's bytes were made text


def canonical_path(path: str) -> str:
    """Dot segments and repeated slashes go, then everything but `/` and unreserved characters is encoded (again)."""
    if _PLAIN_PATH.fullmatch(path):
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment and segment != ".":
            kept.append(segment)
    slash = "/" if path.endswith("/") and kept else ""
    return quote(f"/{'/'.join(kept)}{slash}", safe="/~", encoding="latin-1")


def _path_s3(path: str) -> str:
    """As it came; what a client left unencoded is encoded."""
    return path if _PLAIN_PATH.fullmatch(path) else quote(path, safe="/~%", encoding="latin-1")


def canonical_query(query: str) -> str:
    """Parameters sorted by encoded name, then value."""
    if not query or ("&" not in query and _PLAIN_QUERY.fullmatch(query)):
        return query
    pairs = []
    for pair in query.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            pairs.append((_encode_again(name), _encode_again(value)))
    return "&".join([f"{name}={value}" for name, value in sorted(pairs)])


def without_signature(query: str) -> str:
    """The query of a presigned URL as it was signed."""
    return "&".join([pair for pair in query.split("&") if not pair.startswith("X-Amz-Signature=")])


def _encode_again(text: str) -> str:
    return quote(unquote_to_bytes(text.encode("latin-1")), safe="-_.~")
