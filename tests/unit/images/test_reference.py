"""How images are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.kernel.ports.images import ImageError, ImageFault
from ramuda.runtime.images import Options
from ramuda.runtime.images.reference import LocalReference, RegistryReference, parse
from ramuda.runtime.images.registry import endpoint

DIGEST = "sha256:" + "0123456789abcdef" * 4
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{ECR}/team/app:v1", RegistryReference(host=ECR, repository="team/app", tag="v1")),
        (f"{ECR}/app@{DIGEST}", RegistryReference(host=ECR, repository="app", digest=DIGEST)),
        (f"localhost/app:1@{DIGEST}", RegistryReference(host="localhost", repository="app", tag="1", digest=DIGEST)),
        ("127.0.0.1:5000/a/b_c/d-e.f", RegistryReference(host="127.0.0.1:5000", repository="a/b_c/d-e.f")),
        ("[::1]:5000/a", RegistryReference(host="[::1]:5000", repository="a")),
        ("oci:/images/app", LocalReference(transport="oci", path="/images/app")),
        ("oci:/images/app:v1", LocalReference(transport="oci", path="/images/app", name="v1")),
        (f"oci:/app@{DIGEST}", LocalReference(transport="oci", path="/app", digest=DIGEST)),
        ("oci-archive:/a.tar:v1", LocalReference(transport="oci-archive", path="/a.tar", name="v1")),
        ("docker-archive:/a.tar:x/y:1", LocalReference(transport="docker-archive", path="/a.tar", name="x/y:1")),
    ],
)
def test_a_uri_says_where_an_image_is(text: str, expected: RegistryReference | LocalReference) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "python:3.12",
        "team/app:v1",
        "registry.example",
        "registry.example/",
        "registry.example/App",
        "registry.example/a//b",
        "registry.example/a:",
        "registry.example/a:v 1",
        "registry.example/a@sha256:123",
        "registry.example/a@md5:" + "0" * 32,
        "registry.example:port/a",
        "registry.example/../a",
        "https://registry.example/a",
        "oci:relative/path",
        "registry.example/" + "a" * 256,
        "registry.example/" + "a/" * 4000,
    ],
)
def test_what_names_no_image_is_refused(text: str) -> None:
    with pytest.raises(ImageError) as caught:
        parse(text)
    assert caught.value.fault is ImageFault.BAD_URI


@given(st.text(max_size=200))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except ImageError:
        pass
    else:
        assert parse(found.pinned(DIGEST)).digest == DIGEST


@pytest.mark.parametrize(
    ("host", "options", "expected"),
    [
        ("registry.example", Options(), "https://registry.example"),
        ("registry.example:8080", Options(), "https://registry.example:8080"),
        (
            "registry.example:8080",
            Options(insecure_registries=("registry.example:8080",)),
            "http://registry.example:8080",
        ),
        ("localhost:5000", Options(), "http://localhost:5000"),
        ("127.0.0.1:5000", Options(), "http://127.0.0.1:5000"),
        ("127.0.0.1.example:5000", Options(), "https://127.0.0.1.example:5000"),
        (ECR, Options(registries={"*.dkr.ecr.*.amazonaws.com": "http://127.0.0.1:5000/"}), "http://127.0.0.1:5000"),
        ("docker.io", Options(), "https://registry-1.docker.io"),
    ],
)
def test_http_is_for_this_machine_and_for_registries_named_so(host: str, options: Options, expected: str) -> None:
    base, _, path = endpoint(RegistryReference(host=host, repository="app"), options)
    assert (base, path) == (expected, "library/app" if host == "docker.io" else "app")
