"""Keys, and botocore's own signers, to make requests that a Verifier should accept."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from ramuda.authz.credentials import KnownKey, root_principal
from ramuda.gateway.messages import Request
from ramuda.gateway.sigv4 import Verifier, read_claim
from ramuda.kernel.call import Principal
from ramuda.testing import ManualClock

SIGNERS = {"header": SigV4Auth, "presigned": SigV4QueryAuth, "s3": S3SigV4Auth, "s3 presigned": S3SigV4QueryAuth}


class Keys:
    """The one key that is known."""

    def __init__(self, access_key_id: str, secret: str, token: str | None = None, expires_at_s: float | None = None):
        self.access_key_id, self.secret, self.token, self.expires_at_s = access_key_id, secret, token, expires_at_s
        self.principal = root_principal("111122223333", access_key_id)

    def find(self, access_key_id: str, token: str | None) -> KnownKey | None:
        if (access_key_id, token) != (self.access_key_id, self.token):
            return None
        return KnownKey(
            access_key_id=access_key_id, secret=self.secret, principal=self.principal, expires_at_s=self.expires_at_s
        )


def request_of(method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Request:
    """What the HTTP server would make of such a request."""
    parts = urlsplit(url)
    wire = {name.lower(): str(value) for name, value in headers.items()}
    wire.setdefault("host", parts.netloc)
    return Request(method=method, path=parts.path or "/", query=parts.query, headers=wire, body=body)


def signed(
    keys: Keys, kind: str, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Request:
    """A request signed by botocore, with the machine's time; kinds are those of SIGNERS."""
    service = "s3" if kind.startswith("s3") else "lambda"
    unsigned = AWSRequest(method=method, url=url, headers=dict(headers or {}), data=body)
    signer = SIGNERS[kind](Credentials(keys.access_key_id, keys.secret, keys.token), service, "eu-west-1")
    signer.add_auth(unsigned)
    prepared = unsigned.prepare()
    wire = {name: v.decode("latin-1") if isinstance(v, bytes) else v for name, v in prepared.headers.items()}
    return request_of(method, prepared.url, wire, body)


def verify(request: Request, keys: Keys, now_s: float) -> Principal:
    return Verifier(keys, ManualClock(now_s)).verify(request, read_claim(request))
