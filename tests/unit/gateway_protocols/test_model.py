"""Service models: loaded on first use, without prose, found by the names that requests carry."""

from pathlib import Path

import botocore
import pytest

from ramuda.gateway import model
from ramuda.gateway.model import Models, UnknownService


def test_a_model_is_loaded_once_and_without_documentation() -> None:
    models = Models()
    service = models.service("lambda")
    assert models.service("lambda") is service
    assert (service.service_name, service.signing_name, service.protocol) == ("lambda", "lambda", "rest-json")
    assert service.operation_model("Invoke").documentation == ""


@pytest.mark.parametrize("name", ["", "nothing", "../lambda", "lambda/2015-03-31", "."])
def test_an_unknown_service_is_refused(name: str) -> None:
    with pytest.raises(UnknownService):
        Models().service(name)


def test_services_are_found_by_signing_name_endpoint_and_target() -> None:
    index = Models().index
    assert index.by_signing_name["monitoring"] == ("cloudwatch",)
    assert index.by_endpoint_prefix["monitoring"] == ("cloudwatch",)
    assert index.by_target_prefix["Logs_20140328"] == "logs"
    assert set(index.by_signing_name["dynamodb"]) == {"dynamodb", "dynamodbstreams"}
    assert index.by_name["cloudwatch"].protocols == ("smithy-rpc-v2-cbor", "json", "query")
    assert index.by_name["lambda"].api_version == "2015-03-31"


def test_the_index_covers_every_service_of_botocore() -> None:
    assert set(Models().index.by_name) == {
        path.parent.parent.name for path in model.DATA_DIR.glob("*/*/service-2.json.gz")
    }


def test_the_index_is_kept_in_the_cache_and_read_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Models(tmp_path / "cache").index
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [f"services-{botocore.__version__}.json"]
    monkeypatch.setattr(model, "DATA_DIR", tmp_path / "nothing")
    assert Models(tmp_path / "cache").index.by_name == made.by_name


@pytest.mark.parametrize("content", [b"", b"{", b'[{"name": "x"}]'])
def test_a_broken_cache_is_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / f"services-{botocore.__version__}.json").write_bytes(content)
    assert "lambda" in Models(tmp_path).index.by_name
    assert "lambda" in Models(tmp_path).index.by_name


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "lambda" in Models(tmp_path / "file" / "cache").index.by_name
