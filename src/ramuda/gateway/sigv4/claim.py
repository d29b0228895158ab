"""What a request says about who signed it, with which key, for what: its credential scope, in a header or in the query.

Reading decides nothing: without signature checking the scope still tells account, region and service. A signature of
another kind, or one that cannot be read, is a `Malformed`, which matters only where signatures are checked.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote

from ramuda.gateway.messages import Request

ALGORITHM = "AWS4-HMAC-SHA256"

_SCOPES_REMEMBERED = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """`KEYID/DATE/REGION/SERVICE/aws4_request` and the headers that were signed. `text` is the scope without the key
    id."""

    access_key_id: str
    date: str
    region: str
    service: str
    text: str
    signed_headers: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Claim:
    """A signature, not yet checked. `expires` is set for a presigned URL only (seconds, as the URL has it)."""

    scope: Scope
    signature: str
    timestamp: str
    session_token: str | None
    expires: str | None = None

    @property
    def is_presigned(self) -> bool:
        return self.expires is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """A signature that cannot be checked. `access_key_id` is given where it could be read (S3's old signature version
    2)."""

    message: str
    access_key_id: str | None = None


Reading: TypeAlias = Claim | Malformed | None

_scopes: dict[str, Scope] = {}


def read_claim(request: Request) -> Reading:
    """The signature of a request, or None when there is none."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        return _read_header(request, authorization)
    if "X-Amz-" in request.query and "X-Amz-Algorithm=" in request.query:
        return _read_query(request.query)
    return None


def _read_header(request: Request, authorization: str) -> Claim | Malformed:
    head, _, signature = authorization.rpartition("Signature=")
    scope = _scopes.get(head)
    if scope is None:
        parsed = _parse_header(authorization, head)
        if isinstance(parsed, Malformed):
            return parsed
        scope = parsed
    headers = request.headers
    timestamp = headers.get("x-amz-date") or headers.get("date")
    if timestamp is None:
        return Malformed(
            message="Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
            f"Authorization={ALGORITHM}",
            access_key_id=scope.access_key_id,
        )
    return Claim(
        scope=scope, signature=signature, timestamp=timestamp, session_token=headers.get("x-amz-security-token")
    )


def _parse_header(authorization: str, head: str) -> Scope | Malformed:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        old_style = rest.partition(":")[0] if algorithm == "AWS" else None
        return Malformed(message=f"Unsupported AWS 'algorithm': '{algorithm}'.", access_key_id=old_style)
    fields: dict[str, str] = {}
    for part in rest.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals:
            return Malformed(message="Authorization header has a part that is not a valid key=value pair.")
        fields[name] = value
    for name in ("Credential", "Signature", "SignedHeaders"):
        if not fields.get(name):
            return Malformed(message=f"Authorization header requires '{name}' parameter. Authorization={ALGORITHM}")
    scope = _parse_scope(fields["Credential"], fields["SignedHeaders"])
    # Remembered for the usual order only, where the signature comes last and everything before it repeats.
    if isinstance(scope, Scope) and authorization == f"{head}Signature={fields['Signature']}":
        while len(_scopes) >= _SCOPES_REMEMBERED:
            del _scopes[next(iter(_scopes))]
        _scopes[head] = scope
    return scope


def _parse_scope(credential: str, signed_headers: str) -> Scope | Malformed:
    parts = credential.rsplit("/", 4)  # a key id may have slashes, the rest may not
    if len(parts) != 5:
        return Malformed(
            message="Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential}'"
        )
    key_id, date, region, service, term = parts
    if term != "aws4_request":
        return Malformed(
            message=f"Credential should be scoped with a valid terminator: 'aws4_request', not '{term}'.",
            access_key_id=key_id,
        )
    return Scope(
        access_key_id=key_id,
        date=date,
        region=region,
        service=service,
        text=f"{date}/{region}/{service}/{term}",
        signed_headers=tuple(signed_headers.split(";")),
    )


def _read_query(query: str) -> Claim | Malformed:
    fields: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name.startswith("X-Amz-"):
            fields[name] = unquote(value)
    if fields.get("X-Amz-Algorithm") != ALGORITHM:
        return Malformed(message=f"Unsupported AWS 'algorithm': '{fields.get('X-Amz-Algorithm')}'.")
    for name in ("X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires"):
        if not fields.get(name):
            return Malformed(message=f"AWS query-string parameters must include '{name}'.")
    scope = _parse_scope(fields["X-Amz-Credential"], fields["X-Amz-SignedHeaders"])
    if isinstance(scope, Malformed):
        return scope
    return Claim(
        scope=scope,
        signature=fields["X-Amz-Signature"],
        timestamp=fields["X-Amz-Date"],
        session_token=fields.get("X-Amz-Security-Token"),
        expires=fields["X-Amz-Expires"],
    )
