"""Whatever botocore's clients send is read as they meant it, and whatever we answer they read as we meant it."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.model import OperationModel
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ramuda.gateway.model import Models
from ramuda.gateway.protocols import PROTOCOLS, select
from tests.unit.gateway_protocols import client
from tests.unit.gateway_protocols.values import structures

models = Models()
SERVICES = ["lambda", "logs", "cloudwatch", "sqs", "sns", "sts", "events", "stepfunctions", "ec2", "s3", "route53"]
EVERY_OPERATION_OF = {"lambda", "logs", "cloudwatch", "sqs", "sns", "sts"}
SAMPLE = 12
"""How many operations are tried of the services that are delegated."""

_settings = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _operations() -> Iterator[Any]:
    for service in SERVICES:
        model = models.service(service)
        names = sorted(name for name in model.operation_names if not model.operation_model(name).deprecated)
        chosen = names if service in EVERY_OPERATION_OF else names[:: max(1, len(names) // SAMPLE)]
        for protocol in model.metadata.get("protocols") or [model.protocol]:
            for name in chosen:
                yield pytest.param(model.operation_model(name), protocol, id=f"{service}-{protocol}-{name}")


@pytest.mark.parametrize(("operation", "protocol"), list(_operations()))
def test_a_clients_request_is_read_as_its_parameters(operation: OperationModel, protocol: str) -> None:
    shape = operation.input_shape
    if shape is None or operation.has_event_stream_input:
        pytest.skip("nothing to send")

    @_settings
    @given(structures(shape))
    def holds(params: dict[str, Any]) -> None:
        request = client.request(operation, params, protocol)
        speaks = select(operation.service_model, request)
        assert speaks is PROTOCOLS[protocol]
        assert speaks.operation(operation.service_model, request).name == operation.name
        assert speaks.parse(operation, request) == params

    holds()


@pytest.mark.parametrize(("operation", "protocol"), list(_operations()))
def test_a_client_reads_our_answer_as_the_result(operation: OperationModel, protocol: str) -> None:
    shape = operation.output_shape
    if operation.has_event_stream_output:
        pytest.skip("see test_event_stream")

    @_settings
    @given(structures(shape) if shape is not None else st.just({}))
    def holds(result: dict[str, Any]) -> None:
        response = PROTOCOLS[protocol].serialize(operation, result, "the-request-id")
        parsed = client.read(operation, response, protocol)
        del parsed["ResponseMetadata"]
        assert parsed == result
        assert "the-request-id" in dict(response.headers).values()

    holds()
