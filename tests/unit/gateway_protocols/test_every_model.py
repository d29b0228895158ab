"""Nothing that botocore knows is beyond the compilers of parsers, serializers, validation and routes."""

import pytest

from ramuda.gateway.model import Models
from ramuda.gateway.protocols import PROTOCOLS
from ramuda.gateway.protocols.http_router import HttpRouter
from ramuda.gateway.validate import compile_input

NAMES = sorted(Models().index.by_name)


@pytest.mark.slow
@pytest.mark.parametrize("initial", sorted({name[0] for name in NAMES}))
def test_every_operation_of_every_service_compiles(initial: str) -> None:
    models = Models()
    for name in (n for n in NAMES if n[0] == initial):
        service = models.service(name)
        spoken = service.metadata.get("protocols") or [service.protocol]
        if service.protocol.startswith("rest"):
            HttpRouter(service)
        for operation in map(service.operation_model, service.operation_names):
            compile_input(operation)
            for protocol in spoken:
                PROTOCOLS[protocol].prepare(operation)
