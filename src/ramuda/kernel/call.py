"""One AWS API call, after its bytes were understood and before a service acts on it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls. `arn` as STS GetCallerIdentity would give it; `access_key_id` None for an anonymous call."""

    account: str
    arn: str
    user_id: str
    access_key_id: str | None = None
    session_token: str | None = None


@dataclass(slots=True, kw_only=True)
class Call:
    """`params` are shaped by the operation's input in the botocore model: blobs are bytes, timestamps aware datetimes.

    `service` is botocore's service name (`lambda`, `logs`, `cloudwatch`, `sts`), `operation` the model's
    (`CreateFunction`). `trace` is the `X-Amzn-Trace-Id` header. `request_id` is answered in `x-amzn-RequestId`.
    `endpoint` is how the caller reached us (`http://localhost:4566`), for answers that carry a URL. `headers` are
    the request's, names in lower case. Not frozen, because one is made per request on the hot path; nobody changes
    one."""

    service: str
    operation: str
    params: dict[str, Any]
    principal: Principal
    region: str
    account: str
    request_id: str
    trace: str | None = None
    endpoint: str = ""
    source_ip: str = "127.0.0.1"
    headers: Mapping[str, str]


Result: TypeAlias = dict[str, Any]
"""Shaped by the operation's output in the botocore model. A streaming blob member is bytes or an
AsyncIterator[bytes]; an event-stream member is an AsyncIterator of one-key dicts, as botocore's clients see them."""

Operation: TypeAlias = Callable[[Call], Awaitable[Result]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """An AWS API that Ramuda serves itself.

    `name` is botocore's service name. An operation of the model that is missing here is answered by the upstream of the
    service when `delegate_rest` is set, else with a clear "not supported here" error.
    """

    name: str
    operations: Mapping[str, Operation]
    delegate_rest: bool = False
