"""What every wire protocol can do.

A protocol compiles an operation once, on its first call, into bound functions and keeps them; after that nothing
walks a shape. A protocol's module brings the four functions in which it differs from the others.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from botocore.model import OperationModel, ServiceModel

from ramuda.gateway.messages import Headers, Request, Response
from ramuda.gateway.protocols.errors import WireError, wire_error
from ramuda.kernel.call import Result
from ramuda.kernel.errors import ApiError

Plan = TypeVar("Plan")

Find: TypeAlias = Callable[[ServiceModel, Request], OperationModel]
Parse: TypeAlias = Callable[[Request], dict[str, Any]]
Serialize: TypeAlias = Callable[[Result, str], Response]
WriteError: TypeAlias = Callable[[ServiceModel, WireError, str], tuple[Headers, bytes]]
"""Headers and body for an error; the string is the request's id."""


class WireProtocol:
    """One of AWS's wire protocols, server side. `name` is as `protocol` in botocore's models spells it."""

    operation: Find
    """Which operation is called. Raises ApiError with the protocol's own answer to an unknown one."""

    def __init__(
        self,
        name: str,
        *,
        find_operation: Find,
        compile_parser: Callable[[OperationModel], Parse],
        compile_serializer: Callable[[OperationModel], Serialize],
        write_error: WriteError,
    ) -> None:
        self.name = name
        self.operation = find_operation
        self._parsers = Plans(compile_parser)
        self._serializers = Plans(compile_serializer)
        self._write_error = write_error

    def prepare(self, operation: OperationModel) -> None:
        """Compiles the operation now instead of on its first call."""
        _ = self._parsers[operation], self._serializers[operation]

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """The parameters in the shape of botocore's input: blobs are bytes, timestamps aware datetimes. A member that
        is null or unknown is left out; constraints are not checked (see `gateway.validate`). Takes any bytes and raises
        nothing but ApiError."""
        return self._parsers[operation](request)

    def serialize(self, operation: OperationModel, result: Result, request_id: str) -> Response:
        """The answer to a call that went well. Members of `result` that the model does not have are left out."""
        return self._serializers[operation](result, request_id)

    def serialize_error(self, service: ServiceModel, error: ApiError, request_id: str) -> Response:
        """The answer to a call that went wrong, modelled or not, understood or not. The error's own headers win over
        the protocol's."""
        wire = wire_error(service, error)
        headers, body = self._write_error(service, wire, request_id)
        return Response(wire.status, list((dict(headers) | dict(error.headers)).items()), body)


def no_params(request: Request) -> dict[str, Any]:
    """The plan of an operation without input."""
    return {}


class Plans(dict[OperationModel, Plan]):
    """Operation to compiled plan, compiled on first use. A plain dictionary look-up after that."""

    def __init__(self, compile_plan: Callable[[OperationModel], Plan]) -> None:
        super().__init__()
        self._compile = compile_plan

    def __missing__(self, operation: OperationModel) -> Plan:
        plan = self[operation] = self._compile(operation)
        return plan
