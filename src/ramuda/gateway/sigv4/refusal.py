"""Why a signature is not accepted, and what each family of services answers then.

The words and statuses differ by protocol: the query services and S3 have their own codes, JSON services answer 400
where REST-JSON services (Lambda) answer 403.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html,
https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
"""

from enum import Enum

from ramuda.kernel.errors import ApiError, RamudaError


class Reason(Enum):
    MISSING = "no signature"
    INCOMPLETE = "a signature that cannot be read"
    UNKNOWN_KEY = "no such access key, or a session token that is not its own"
    EXPIRED_TOKEN = "a session that is over"  # noqa: S105 - not a password
    MISMATCH = "another signature than ours"
    CLOCK = "signed too long ago, or in the future"
    EXPIRED_URL = "a presigned URL whose time is over, or has not come"
    BAD_EXPIRY = "a presigned URL valid for no time, or for more than a week"
    UNSIGNED_HEADER = "x-amz- headers that the signature does not cover"
    CONTENT = "another body than the one that was signed"


class RefusedError(RamudaError):
    """A request whose signature is not accepted. `detail` replaces the usual sentence where AWS gives particulars."""

    def __init__(self, reason: Reason, detail: str | None = None) -> None:
        super().__init__(detail or reason.value)
        self.reason = reason
        self.detail = detail


_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
_MISMATCH_S3 = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)
_UNKNOWN_KEY_S3 = "The AWS Access Key Id you provided does not exist in our records."
_SKEWED_S3 = "The difference between the request time and the current time is too large."
_BAD_EXPIRY_S3 = "X-Amz-Expires must be less than a week (in seconds) that is 604800"
_CONTENT_S3 = "The provided 'x-amz-content-sha256' header does not match what was computed."
_INVALID_TOKEN = "The security token included in the request is invalid."  # noqa: S105 - AWS's sentence
_EXPIRED_TOKEN = "The security token included in the request is expired"  # noqa: S105 - AWS's, without full stop
_UNREADABLE = "The request signature does not conform to AWS standards."

# reason -> (code, message, status); a reason that is missing is answered as MISMATCH is
_JSON: dict[Reason, tuple[str, str, int]] = {
    Reason.MISSING: ("MissingAuthenticationTokenException", "Missing Authentication Token", 403),
    Reason.INCOMPLETE: ("IncompleteSignatureException", _UNREADABLE, 400),
    Reason.UNKNOWN_KEY: ("UnrecognizedClientException", _INVALID_TOKEN, 403),
    Reason.EXPIRED_TOKEN: ("ExpiredTokenException", _EXPIRED_TOKEN, 403),
    Reason.MISMATCH: ("InvalidSignatureException", _MISMATCH, 403),
}
_QUERY: dict[Reason, tuple[str, str, int]] = {
    Reason.MISSING: ("MissingAuthenticationToken", "Request is missing Authentication Token", 403),
    Reason.INCOMPLETE: ("IncompleteSignature", _UNREADABLE, 400),
    Reason.UNKNOWN_KEY: ("InvalidClientTokenId", _INVALID_TOKEN, 403),
    Reason.EXPIRED_TOKEN: ("ExpiredToken", _EXPIRED_TOKEN, 403),
    Reason.MISMATCH: ("SignatureDoesNotMatch", _MISMATCH, 403),
}
_S3: dict[Reason, tuple[str, str, int]] = {
    Reason.MISSING: ("AccessDenied", "Access Denied", 403),
    Reason.INCOMPLETE: ("AuthorizationHeaderMalformed", "The authorization header you provided is invalid.", 400),
    Reason.UNKNOWN_KEY: ("InvalidAccessKeyId", _UNKNOWN_KEY_S3, 403),
    Reason.EXPIRED_TOKEN: ("ExpiredToken", "The provided token has expired.", 400),
    Reason.MISMATCH: ("SignatureDoesNotMatch", _MISMATCH_S3, 403),
    Reason.CLOCK: ("RequestTimeTooSkewed", _SKEWED_S3, 403),
    Reason.EXPIRED_URL: ("AccessDenied", "Request has expired", 403),
    Reason.BAD_EXPIRY: ("AuthorizationQueryParametersError", _BAD_EXPIRY_S3, 400),
    Reason.UNSIGNED_HEADER: ("AccessDenied", "There were headers present in the request which were not signed", 403),
    Reason.CONTENT: ("XAmzContentSHA256Mismatch", _CONTENT_S3, 400),
}
_TABLES = {"rest-xml": _S3, "query": _QUERY, "ec2": _QUERY}
_DETAILED = frozenset({Reason.INCOMPLETE, Reason.MISMATCH, Reason.CLOCK, Reason.EXPIRED_URL})


def api_error(refused: RefusedError, protocol: str) -> ApiError:
    """What a service that speaks `protocol` (as botocore names it) answers. S3's words stand for all of `rest-xml`."""
    table = _TABLES.get(protocol, _JSON)
    code, message, status = table.get(refused.reason) or table[Reason.MISMATCH]
    if table is _JSON and protocol != "rest-json":
        status = 400
    if table is not _S3 and refused.reason in _DETAILED and refused.detail:
        message = refused.detail
    return ApiError(code, message, status=status)
