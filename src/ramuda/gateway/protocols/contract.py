"""What every wire protocol can do.

A protocol compiles an operation once, on its first call, into bound functions and keeps them; after that nothing
walks a shape. `parse` accepts any bytes and raises nothing but ApiError.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from botocore.model import OperationModel, ServiceModel

from ramuda.gateway.messages import Request, Response
from ramuda.kernel.call import Result
from ramuda.kernel.errors import ApiError

Plan = TypeVar("Plan")


class WireProtocol(Protocol):
    """One of AWS's wire protocols, server side."""

    name: str
    """As `protocol` in botocore's models spells it."""

    def prepare(self, operation: OperationModel) -> None:
        """Compiles the operation now instead of on its first call."""
        ...

    def operation(self, service: ServiceModel, request: Request) -> OperationModel:
        """Which operation is called. Raises ApiError with the protocol's own answer to an unknown one."""
        ...

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """The parameters in the shape of botocore's input: blobs are bytes, timestamps aware datetimes. A member that
        is null or unknown is left out; constraints are not checked (see `gateway.validate`). Raises ApiError."""
        ...

    def serialize(self, operation: OperationModel, result: Result, request_id: str) -> Response:
        """The answer to a call that went well. Members of `result` that the model does not have are left out."""
        ...

    def serialize_error(
        self, operation: OperationModel | None, service: ServiceModel, error: ApiError, request_id: str
    ) -> Response:
        """The answer to a call that went wrong, modelled or not. `operation` is None when it was not understood."""
        ...


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
