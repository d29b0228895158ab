"""The signatures that AWS itself publishes.

https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
"""

from calendar import timegm
from collections.abc import AsyncIterator

import pytest

from ramuda.gateway.messages import Request
from ramuda.gateway.sigv4 import Reason, RefusedError
from tests.unit.gateway_edge.signing import Keys, verify

SUITE_KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SUITE_TIME_S = timegm((2015, 8, 30, 12, 36, 0))
S3_KEYS = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
S3_TIME_S = timegm((2013, 5, 24, 0, 0, 0))
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

VANILLA = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
SUITE = [
    ("get-vanilla", "GET", "/", "", VANILLA),
    ("get-relative", "GET", "/example/..", "", VANILLA),
    ("get-slash", "GET", "//", "", VANILLA),
    ("get-slash-dot-slash", "GET", "/./", "", VANILLA),
    (
        "get-vanilla-query-order-key-case",
        "GET",
        "/",
        "Param2=value2&Param1=value1",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    ("post-vanilla", "POST", "/", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ("get-utf8", "GET", "/\u1234", "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
]


@pytest.mark.parametrize(("name", "method", "path", "query", "signature"), SUITE, ids=[case[0] for case in SUITE])
def test_the_test_suite_of_signature_version_4_verifies(
    name: str, method: str, path: str, query: str, signature: str
) -> None:
    request = Request(
        method=method,
        path=path.encode().decode("latin-1"),
        query=query,
        headers={
            "host": "example.amazonaws.com",
            "x-amz-date": "20150830T123600Z",
            "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            f"SignedHeaders=host;x-amz-date, Signature={signature}",
        },
    )
    assert verify(request, SUITE_KEYS, SUITE_TIME_S) == SUITE_KEYS.principal


def s3_request(
    method: str, path: str, query: str, headers: dict[str, str], signature: str, body: bytes = b""
) -> Request:
    headers = {
        "host": "examplebucket.s3.amazonaws.com",
        "x-amz-date": "20130524T000000Z",
        "x-amz-content-sha256": EMPTY,
    } | headers
    names = ";".join(sorted(headers.keys() - {"content-length", "x-amz-trailer-unsigned"}))
    headers["authorization"] = (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={names},Signature={signature}"
    )
    return Request(method=method, path=path, query=query, headers=headers, body=body)


S3_CASES = [
    s3_request(
        "GET",
        "/test.txt",
        "",
        {"range": "bytes=0-9"},
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    s3_request(
        "PUT",
        "/test$file.text",
        "",
        {
            "date": "Fri, 24 May 2013 00:00:00 GMT",
            "x-amz-storage-class": "REDUCED_REDUNDANCY",
            "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        },
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        b"Welcome to Amazon S3.",
    ),
    s3_request("GET", "/", "lifecycle", {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
    s3_request(
        "GET", "/", "max-keys=2&prefix=J", {}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    ),
]


@pytest.mark.parametrize("request_", S3_CASES, ids=["get", "put", "lifecycle", "list"])
def test_the_examples_of_s3_verify(request_: Request) -> None:
    assert verify(request_, S3_KEYS, S3_TIME_S) == S3_KEYS.principal


PRESIGNED_QUERY = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
)


@pytest.mark.parametrize("after_s", [0, 86_400])
def test_the_presigned_example_of_s3_verifies_until_it_expires(after_s: int) -> None:
    headers = {"host": "examplebucket.s3.amazonaws.com"}
    request = Request("GET", "/test.txt", PRESIGNED_QUERY, headers)
    assert verify(request, S3_KEYS, S3_TIME_S + after_s) == S3_KEYS.principal
    with pytest.raises(RefusedError) as refused:
        verify(request, S3_KEYS, S3_TIME_S + 86_401)
    assert refused.value.reason is Reason.EXPIRED_URL


CHUNKED_HEADERS = {
    "host": "s3.amazonaws.com",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": "66560",
    "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
}
CHUNK_SIGNATURES = (
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)
TRAILER_CHUNK_SIGNATURES = (
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
)
TRAILER = (
    b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
    b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
)


def chunked_body(signatures: tuple[str, ...]) -> bytes:
    body = b""
    for size, signature in zip((65536, 1024, 0), signatures, strict=True):
        body += b"%x;chunk-signature=%s\r\n" % (size, signature.encode()) + b"a" * size
        body += b"\r\n" if size else b""
    return body


def chunked_request(body: bytes) -> Request:
    """The chunked upload of the documentation; its Content-Length was signed too."""
    request = s3_request("PUT", "/examplebucket/chunkObject.txt", "", CHUNKED_HEADERS, "", body)
    request.headers["content-length"] = "66824"
    request.headers["authorization"] = (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
        "x-amz-decoded-content-length;x-amz-storage-class,"
        "Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    )
    return request


def trailer_request(body: bytes) -> Request:
    headers = CHUNKED_HEADERS | {
        "x-amz-trailer": "x-amz-checksum-crc32c",
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    }
    signature = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
    return s3_request("PUT", "/examplebucket/chunkObject.txt", "", headers, signature, body)


GOOD_BODY = chunked_body(CHUNK_SIGNATURES) + b"\r\n"
GOOD_TRAILER_BODY = chunked_body(TRAILER_CHUNK_SIGNATURES) + TRAILER


def test_the_chunked_example_of_s3_verifies() -> None:
    assert verify(chunked_request(GOOD_BODY), S3_KEYS, S3_TIME_S) == S3_KEYS.principal


def test_the_example_with_a_trailer_verifies() -> None:
    assert verify(trailer_request(GOOD_TRAILER_BODY), S3_KEYS, S3_TIME_S) == S3_KEYS.principal


@pytest.mark.parametrize(
    "body",
    [
        GOOD_BODY.replace(b"aaa", b"aba", 1),
        GOOD_BODY[:66_000],
        GOOD_BODY[:60_000] + GOOD_BODY[60_100:],
        b"400;no-signature\r\n" + b"a" * 1024,
        b"a" * 20_000,
        b"",
        b"-1;chunk-signature=0\r\n",
    ],
    ids=["changed", "cut off", "piece missing", "unsigned chunk", "no chunks", "empty", "negative"],
)
def test_a_chunked_body_that_was_changed_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        verify(chunked_request(body), S3_KEYS, S3_TIME_S)
    assert refused.value.reason in (Reason.CONTENT, Reason.MISMATCH)


def test_a_trailer_that_was_changed_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        verify(trailer_request(GOOD_TRAILER_BODY.replace(b"sOO8", b"sOO9")), S3_KEYS, S3_TIME_S)
    assert refused.value.reason is Reason.MISMATCH


async def _pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


@pytest.mark.parametrize("size", [7, 1000, 65536, 1 << 20])
async def test_a_streamed_body_is_checked_while_it_passes(size: int) -> None:
    request = chunked_request(b"")
    request.stream = _pieces(GOOD_BODY, size)
    verify(request, S3_KEYS, S3_TIME_S)
    assert b"".join([piece async for piece in request.stream]) == GOOD_BODY


async def test_the_end_of_a_streamed_body_that_was_changed_is_withheld() -> None:
    request = chunked_request(b"")
    changed = GOOD_BODY.replace(b"a\r\n0;", b"b\r\n0;")
    request.stream = _pieces(changed, 1000)
    verify(request, S3_KEYS, S3_TIME_S)
    passed: list[bytes] = []
    stream = request.stream

    async def pass_on() -> None:
        async for piece in stream:
            passed.append(piece)

    with pytest.raises(RefusedError):
        await pass_on()
    assert len(b"".join(passed)) < len(changed)
    assert changed.startswith(b"".join(passed))
