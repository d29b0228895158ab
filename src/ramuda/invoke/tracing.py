"""The trace of every invocation, and the end of recursive loops: `kernel.trace` with a clock, randomness and metrics.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

import random
from collections.abc import Callable
from functools import partial

from ramuda.invoke.meter import NAMESPACE
from ramuda.kernel import trace
from ramuda.kernel.clock import Clock
from ramuda.kernel.function import FunctionRef, Invocation, RecursiveLoop
from ramuda.kernel.ports.recorder import Recorder


class Tracing:
    """`recursion_limit`: how often a function may be entered in one chain of requests. `bits` and `uniform` are
    sources of randomness: they name and choose traces, nothing secret."""

    def __init__(
        self,
        recorder: Recorder,
        clock: Clock,
        recursion_limit: int,
        *,
        bits: Callable[[int], int] = random.getrandbits,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self._recorder = recorder
        self._clock = clock
        self._recursion_limit = recursion_limit
        self._bits = bits
        self._uniform = uniform
        self._samplers: dict[str, trace.Sampler] = {}

    def enter(self, invocation: Invocation) -> None:
        """Gives the invocation the trace that its function sees; to be done once for each. Raises RecursiveLoop."""
        function = invocation.function
        arn = function.ref.arn
        caller = trace.parse(invocation.trace)
        if (
            caller is not None
            and function.recursive_loop != "Allow"
            and caller.visits(trace.fingerprint(arn)) >= self._recursion_limit
        ):
            self._dropped(function.ref)
            raise RecursiveLoop(arn)
        sample = partial(self._sample, arn) if function.tracing_active else None
        invocation.trace = trace.following(caller, arn, now_s=self._clock.time(), bits=self._bits, sample=sample)

    def forget(self, function_arn: str) -> None:
        self._samplers.pop(function_arn, None)

    def _sample(self, arn: str) -> bool:
        sampler = self._samplers.get(arn)
        if sampler is None:
            sampler = self._samplers[arn] = trace.Sampler()
        return sampler.decide(self._clock.time(), self._uniform())

    def _dropped(self, ref: FunctionRef) -> None:
        dimensions = (("FunctionName", ref.name),)
        series = self._recorder.series(
            ref.account, ref.region, NAMESPACE, "RecursiveInvocationsDropped", dimensions, "Count"
        )
        series.add(1.0, self._clock.time())
