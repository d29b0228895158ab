"""What may be reserved of an account's concurrency, and what may be provisioned of it.

Sources: recorded answers (function_concurrency_limits, provisioned_concurrency_limits); the model's description of
PutFunctionConcurrency: 100 stay for functions without a reservation. The sentence about a reservation lower than what
is provisioned is AWS's, spaces and all."""

from dataclasses import dataclass

from ramuda.kernel import limits
from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.rules import refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one function takes: a reservation, or what is provisioned of it without one. What is provisioned of a
    function with a reservation comes out of that."""

    reserved: int | None = None
    provisioned: int = 0

    @property
    def taken(self) -> int:
        return self.provisioned if self.reserved is None else self.reserved


def check_reserved(wanted: int, provisioned: int, taken_by_others: int, account_limit: int) -> None:
    """Whether a function with so much provisioned may have `wanted` reserved."""
    if wanted < provisioned:
        raise refusals.invalid(
            f" ReservedConcurrentExecutions  {wanted} should not be lower than "
            f"function's total provisioned concurrency [{provisioned}]."
        )
    if account_limit - taken_by_others - wanted < limits.UNRESERVED_CONCURRENCY_MIN:
        raise refusals.unreserved_too_low()


def check_provisioned(wanted: int, own: Use, taken_by_others: int, account_limit: int) -> None:
    """Whether a function may have `wanted` provisioned for one qualifier; `own.provisioned` is for its others."""
    if own.reserved is not None:
        if own.provisioned + wanted > own.reserved:
            raise refusals.invalid(
                "Requested Provisioned Concurrency should not be greater than the "
                "reservedConcurrentExecution for function"
            )
        return
    unreserved = account_limit - taken_by_others - own.provisioned
    if wanted > unreserved:
        raise ApiError(
            "InvalidParameterValueException",
            "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency "
            f"[{unreserved}].",
            members=refusals.NO_TYPE,
        )
    if unreserved - wanted < limits.UNRESERVED_CONCURRENCY_MIN:
        raise ApiError(
            "InvalidParameterValueException",
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{limits.UNRESERVED_CONCURRENCY_MIN}].",
            members=refusals.NO_TYPE,
        )
