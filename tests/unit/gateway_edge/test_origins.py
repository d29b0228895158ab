"""Web pages of strangers, and those of this machine."""

import json
from pathlib import Path

import pytest

from ramuda.gateway.options import Options
from tests.unit.gateway_edge.gateways import REQUEST_ID, Recorded, gateway
from tests.unit.gateway_edge.test_gateway import invoke


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://evil.example:4566",
        "null",
        "http://localhost.evil.example",
        "http://10.0.0.1",
        "//[",
        "",
    ],
)
async def test_a_page_from_elsewhere_cannot_call(tmp_path: Path, origin: str) -> None:
    service = Recorded()
    async with gateway(tmp_path, [service.service()]) as sut:
        response = await sut.handle(invoke(origin=origin))
    assert service.calls == []
    assert response.status == 403
    assert dict(response.headers)["x-amzn-ErrorType"] == "AccessDeniedException"
    assert dict(response.headers)["x-amzn-RequestId"] == REQUEST_ID
    assert isinstance(response.body, bytes)
    assert f"Requests of pages from {origin} are refused" in json.dumps(json.loads(response.body))


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:5173", "http://app.localhost"],
)
async def test_a_page_of_this_machine_can_call(tmp_path: Path, origin: str) -> None:
    service = Recorded()
    async with gateway(tmp_path, [service.service()]) as sut:
        assert (await sut.handle(invoke(origin=origin))).status == 200
    assert len(service.calls) == 1


async def test_with_signatures_checked_the_signature_decides(tmp_path: Path) -> None:
    service = Recorded()
    async with gateway(tmp_path, [service.service()], options=Options(auth=True)) as sut:
        response = await sut.handle(invoke(origin="https://evil.example"))
    assert service.calls == []
    assert dict(response.headers)["x-amzn-ErrorType"] == "UnrecognizedClientException"
