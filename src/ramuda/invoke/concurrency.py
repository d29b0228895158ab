"""Who may run now: the account's concurrency and each function's reserved share of it.

Reserved concurrency is both a guarantee and a ceiling: a function that has some runs within it alone, and what is
reserved is taken from what the others share. Source:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html"""

from collections import defaultdict
from dataclasses import dataclass, field

from ramuda.kernel.function import FunctionSnapshot, Throttled


@dataclass(slots=True)
class _Region:
    """What runs in one account and region."""

    running: int = 0
    unreserved: int = 0
    by_function: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))


class Concurrency:
    """Counts what runs, against `limit` for each account and region."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._regions: defaultdict[tuple[str, str], _Region] = defaultdict(_Region)
        self._reserved: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)

    def reserve(self, account: str, region: str, name: str, reserved: int | None) -> None:
        """A function's reserved concurrency was set, or taken away with None."""
        shares = self._reserved[account, region]
        if reserved is None:
            shares.pop(name, None)
        else:
            shares[name] = reserved

    def begin(self, function: FunctionSnapshot) -> None:
        """Counts a run in. Raises Throttled when there is no room."""
        ref = function.ref
        key = (ref.account, ref.region)
        region = self._regions[key]
        reserved = function.reserved_concurrency
        if reserved is not None:
            if region.by_function[ref.name] >= reserved:
                raise Throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
        else:
            shares = self._reserved.get(key)
            if region.unreserved >= self._limit - (sum(shares.values()) if shares else 0):
                raise Throttled("ConcurrentInvocationLimitExceeded")
            region.unreserved += 1
        region.running += 1
        region.by_function[ref.name] += 1

    def end(self, function: FunctionSnapshot) -> None:
        """Counts a run out, with the snapshot that was counted in."""
        ref = function.ref
        region = self._regions[ref.account, ref.region]
        region.running -= 1
        region.by_function[ref.name] -= 1
        if not region.by_function[ref.name]:
            del region.by_function[ref.name]
        if function.reserved_concurrency is None:
            region.unreserved -= 1

    def of_function(self, function: FunctionSnapshot) -> int:
        return self._regions[function.ref.account, function.ref.region].by_function.get(function.ref.name, 0)

    def of_region(self, account: str, region: str) -> int:
        return self._regions[account, region].running
