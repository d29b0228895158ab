"""What an operator may set of the gateway."""

import msgspec

from ramuda.gateway.http.options import Options as HttpOptions
from ramuda.gateway.upstream.options import Options as UpstreamOptions


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The edge: who is believed to call, and what is served."""

    account: str = "000000000000"
    """The account of callers whose access key id does not name one."""
    region: str = "us-east-1"
    """The region of requests that are not signed."""
    auth: bool = False
    """Whether signatures are checked against registered keys."""
    access_log: bool = False
    """One debug line a request: service, operation, status, time. Never payloads or secrets."""
    http: HttpOptions = HttpOptions()
    upstream: UpstreamOptions = UpstreamOptions()
