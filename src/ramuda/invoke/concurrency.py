"""Who may run now: the account's concurrency, each function's reserved share of it, and how often a function may be
asked and may grow.

Reserved concurrency is both a guarantee and a ceiling: a function that has some runs within it alone, and what is
reserved is taken from what the others share. What is provisioned is taken from the function's reserved concurrency, or
else from what all share, whether it is used or not. Sources:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html and
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

This is the hot path: `Share` and `Seat` are plain and small, and nothing here waits."""

from collections import defaultdict

from ramuda.invoke.options import Options
from ramuda.invoke.pools import ProvisionedPool
from ramuda.invoke.rates import Rate
from ramuda.kernel.function import FunctionRef, Invocation, Throttled

SECOND_S = 1.0
"""The request caps are by second, and so much comes at once at most."""


class Region:
    """What runs, and may run, in one account and region."""

    __slots__ = ("fixed", "limit", "on_demand", "reserved", "running", "shares", "unreserved", "unreserved_limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running = 0
        self.on_demand = 0
        self.unreserved = 0
        self.unreserved_limit = limit
        self.fixed = 0
        self.reserved: dict[str, int] = {}
        self.shares: dict[str, Share] = {}

    @property
    def claimed(self) -> int:
        """Metric ClaimedAccountConcurrency: what no other function can have now."""
        return self.unreserved + self.fixed

    def recount(self) -> None:
        """After a reservation or an allocation changed."""
        provisioned = sum(share.provisioned for name, share in self.shares.items() if name not in self.reserved)
        self.fixed = sum(self.reserved.values()) + provisioned
        self.unreserved_limit = self.limit - self.fixed


class Share:
    """What one function runs. `provisioned` is what was set aside for provisioned concurrency, used or not."""

    __slots__ = ("environments", "on_demand", "provisioned", "region", "requests", "running")

    def __init__(self, region: Region) -> None:
        self.region = region
        self.running = 0
        self.on_demand = 0
        self.provisioned = 0
        self.requests = Rate()
        self.environments = Rate()

    @property
    def is_unused(self) -> bool:
        return not self.running and not self.provisioned


class Seat:
    """One invocation that was let in; `leave` when it is over. `pool` while it runs on provisioned concurrency."""

    __slots__ = ("invocation", "is_reserved", "pool", "share")

    def __init__(self, share: Share, invocation: Invocation, pool: ProvisionedPool | None) -> None:
        self.share = share
        self.invocation = invocation
        self.is_reserved = invocation.function.reserved_concurrency is not None
        self.pool = pool

    def leave(self) -> None:
        share, region = self.share, self.share.region
        share.running -= 1
        region.running -= 1
        if self.pool is not None:
            self.pool.running -= 1
            return
        share.on_demand -= 1
        region.on_demand -= 1
        if not self.is_reserved:
            region.unreserved -= 1


class Concurrency:
    """Counts what runs, against `limit` for each account and region. `now_s` is monotonic throughout."""

    def __init__(self, limit: int, options: Options | None = None) -> None:
        options = options or Options()
        self._limit = limit
        self._regions: defaultdict[tuple[str, str], Region] = defaultdict(lambda: Region(limit))
        self._per_unit = options.requests_per_concurrency
        self._unreserved_interval_s = _interval(limit * self._per_unit)
        self._scaling_s = options.scaling_period_s
        self._scaling_interval_s = options.scaling_period_s / options.scaling_environments

    def reserve(self, account: str, region: str, name: str, reserved: int | None) -> None:
        """A function's reserved concurrency was set, or taken away with None."""
        here = self._regions[account, region]
        if reserved is None:
            here.reserved.pop(name, None)
        else:
            here.reserved[name] = reserved
        here.recount()

    def allocate(self, ref: FunctionRef, more: int) -> None:
        """So many more environments of the function (fewer, below 0) are set aside for provisioned concurrency."""
        share = self.share(ref)
        share.provisioned += more
        share.region.recount()

    def share(self, ref: FunctionRef) -> Share:
        region = self.region(ref.account, ref.region)
        share = region.shares.get(ref.name)
        if share is None:
            share = region.shares[ref.name] = Share(region)
        return share

    def region(self, account: str, region: str) -> Region:
        return self._regions[account, region]

    def drop(self, ref: FunctionRef) -> None:
        """Nobody holds the function's share any more: it is forgotten unless it counts something."""
        shares = self.region(ref.account, ref.region).shares
        if ref.name in shares and shares[ref.name].is_unused:
            del shares[ref.name]

    def begin(self, share: Share, invocation: Invocation, now_s: float) -> Seat:
        """Lets an invocation run on demand. Raises Throttled when there is no room, or the function was asked too
        often."""
        self._admit(share, invocation, now_s)
        share.running += 1
        share.region.running += 1
        return self._seat_on_demand(Seat(share, invocation, None))

    def begin_provisioned(
        self, share: Share, invocation: Invocation, pool: ProvisionedPool, now_s: float
    ) -> Seat | None:
        """Lets an invocation run in an environment of the pool, unless all are in use or it was asked too often."""
        if pool.running >= pool.available:
            return None
        if not invocation.is_async and not pool.requests.take(_interval(pool.wanted * self._per_unit), SECOND_S, now_s):
            return None
        pool.running += 1
        share.running += 1
        share.region.running += 1
        return Seat(share, invocation, pool)

    def spill_over(self, seat: Seat, now_s: float) -> None:
        """One that was to run on provisioned concurrency runs on demand instead. Raises Throttled."""
        pool = seat.pool
        if pool is None:
            return
        self._admit(seat.share, seat.invocation, now_s)
        pool.running -= 1
        seat.pool = None
        self._seat_on_demand(seat)

    def scale(self, share: Share, now_s: float) -> None:
        """One more environment is to be made on demand. Raises Throttled when the function grows too fast."""
        if not share.environments.take(self._scaling_interval_s, self._scaling_s, now_s):
            raise Throttled("ConcurrentInvocationLimitExceeded")

    def _admit(self, share: Share, invocation: Invocation, now_s: float) -> None:
        reserved = invocation.function.reserved_concurrency
        if reserved is None:
            if share.region.unreserved >= share.region.unreserved_limit:
                raise Throttled("ConcurrentInvocationLimitExceeded")
            if not invocation.is_async and not share.requests.take(self._unreserved_interval_s, SECOND_S, now_s):
                raise Throttled("FunctionInvocationRateLimitExceeded")
            return
        if share.on_demand >= reserved - share.provisioned:
            raise Throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
        if not invocation.is_async and not share.requests.take(_interval(reserved * self._per_unit), SECOND_S, now_s):
            raise Throttled("ReservedFunctionInvocationRateLimitExceeded")

    @staticmethod
    def _seat_on_demand(seat: Seat) -> Seat:
        seat.share.on_demand += 1
        seat.share.region.on_demand += 1
        if not seat.is_reserved:
            seat.share.region.unreserved += 1
        return seat


def _interval(per_s: float) -> float:
    """Seconds from one request to the next."""
    return 1.0 / per_s if per_s > 0 else float("inf")
