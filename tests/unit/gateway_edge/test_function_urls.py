"""Which requests are for function URLs."""

import pytest

from ramuda.gateway.function_urls import addressed, is_addressed
from ramuda.gateway.messages import Request

ID = "abcdefghijklmnopqrstuvwxyz012345"
SIGNED = "AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=00"


def request(path: str = "/", host: str = "localhost:4566", query: str = "", **headers: str) -> Request:
    return Request(method="GET", path=path, query=query, headers={"host": host, **headers})


@pytest.mark.parametrize(
    "host",
    [
        f"{ID}.lambda-url.us-east-1.localhost:4566",
        f"{ID}.lambda-url.us-east-1.localhost",
        f"{ID}.lambda-url.eu-west-1.on.aws",
        f"{ID}.lambda-url.us-gov-west-1.my.company.example:80",
    ],
)
def test_a_host_addresses_a_url_whatever_its_end(host: str) -> None:
    assert addressed(request("/a/b", host)) == (ID, "/a/b")
    assert is_addressed(request("/metrics", host))


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        (f"/lambda-url/{ID}", "/"),
        (f"/lambda-url/{ID}/", "/"),
        (f"/lambda-url/{ID}/a%20b/c", "/a%20b/c"),
        (f"/lambda-url/{ID}//x", "//x"),
    ],
)
def test_a_path_addresses_a_url_and_the_function_sees_the_rest(path: str, seen: str) -> None:
    assert addressed(request(path)) == (ID, seen)
    assert addressed(request(path, authorization="Bearer token")) == (ID, seen)


@pytest.mark.parametrize(
    "asked",
    [
        request("/lambda-url/short/x"),
        request(f"/lambda-url/{ID.upper()}/x"),
        request(f"/lambda-url/{ID}extra/x"),
        request("/lambda-url"),
        request("/", host="lambda-url.us-east-1.localhost"),
        request("/", host=f"x.{ID}.lambda-url.us-east-1.localhost"),
        request("/2015-03-31/functions"),
    ],
)
def test_nothing_else_does(asked: Request) -> None:
    assert not is_addressed(asked)


def test_a_bucket_called_lambda_url_is_reached_by_who_signs_for_s3() -> None:
    assert not is_addressed(request(f"/lambda-url/{ID}/key", authorization=SIGNED.format("s3"), **{"x-amz-date": "x"}))
    assert is_addressed(request(f"/lambda-url/{ID}/x", authorization=SIGNED.format("lambda"), **{"x-amz-date": "x"}))
    presigned = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F20261121%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20261121T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
    )
    assert not is_addressed(request(f"/lambda-url/{ID}/key", query=presigned))
