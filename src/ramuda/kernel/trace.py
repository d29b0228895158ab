"""`X-Amzn-Trace-Id`: which trace an invocation belongs to, whether it is sampled, and what called what before it.

    Root=1-<8 hex: epoch s>-<24 hex>;Parent=<16 hex>;Sampled=0|1;Lineage=<requests>:<8 hex>:<loops>|<8 hex>:<loops>

`Lineage` counts how often each function was entered in one chain of requests: `requests` invocations in all, and of
the function whose ARN hashes to these 8 digits, `loops` after its first. Every AWS SDK inside a function sends the
header on. A header that is no trace is ignored, and a new trace begins.

Pure: time, randomness and the sampler's word are parameters. `invoke.tracing` asks here for every invocation, however
it came to be, and raises `kernel.function.RecursiveLoop` for one too many.

Sources: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader,
https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html (DG),
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html.
The form of Lineage is what functions on AWS print (`Lineage=1:fc3b4ff1:0`); more than one function in it is ours.
"""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from ramuda.kernel.limits import RECURSION_LIMIT

FUNCTIONS_MAX = 32
"""Functions that a lineage remembers: a loop of more is not seen, and the header stays short."""
LOOPS_MAX, REQUESTS_MAX = 255, 32_767
"""Counters stop here, as SDKs that check the header take no more."""
HEADER_MAX = 2048
"""A longer header is no trace."""
SAMPLES_PER_S, SAMPLE_RATE = 1, 0.05  # DG: services-xray

_ROOT = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_PARENT = re.compile(r"[0-9a-f]{16}")
_VISIT = re.compile(r"(?:(?P<requests>[0-9]{1,5}):)?(?P<function>[0-9a-f]{8}):(?P<loops>[0-9]{1,3})")
_SAMPLED = {"0": False, "1": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A header's content. `sampled` is None where the sender left the decision open. `lineage` maps functions
    (`fingerprint`) to how often they were entered again after the first time, in the order of their first time."""

    root: str
    parent: str | None = None
    sampled: bool | None = None
    requests: int = 0
    lineage: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        parts = [f"Root={self.root}"]
        if self.parent is not None:
            parts.append(f"Parent={self.parent}")
        if self.sampled is not None:
            parts.append(f"Sampled={int(self.sampled)}")
        if self.lineage:
            parts.append(
                f"Lineage={self.requests}:" + "|".join(f"{function}:{loops}" for function, loops in self.lineage)
            )
        return ";".join(parts)

    def visits(self, function: str) -> int:
        """How often the function was entered in this chain."""
        return next((loops + 1 for visited, loops in self.lineage if visited == function), 0)


def parse(header: str | None) -> Trace | None:
    """None for what is no trace: no Root, or one that is malformed. Other members that are malformed are left out."""
    if not header or len(header) > HEADER_MAX:
        return None
    members = {
        name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in header.split(";"))
    }
    root, parent = members.get("root", ""), members.get("parent", "")
    if _ROOT.fullmatch(root) is None:
        return None
    requests, lineage = _lineage(members.get("lineage", ""))
    return Trace(
        root=root,
        parent=parent if _PARENT.fullmatch(parent) else None,
        sampled=_SAMPLED.get(members.get("sampled", "")),
        requests=requests,
        lineage=lineage,
    )


def is_loop(header: str | None, function_arn: str, limit: int = RECURSION_LIMIT) -> bool:
    """Whether the function was entered `limit` times already in this chain. `function_arn` has no qualifier: all
    versions of a function are one."""
    trace = parse(header)
    return trace is not None and trace.visits(fingerprint(function_arn)) >= limit


def entering(
    header: str | None,
    function_arn: str,
    *,
    now_s: float,
    bits: Callable[[int], int],
    sample: Callable[[], bool] | None = None,
) -> str:
    """The header that an invocation of the function gets: the trace of its caller or a new one, a parent of its own,
    and the lineage counted on. `bits(n)` are n random bits; they name traces and need not be secret. `sample` decides
    for a function with active tracing where the caller left it open (None: PassThrough, which is then not sampled)."""
    return following(parse(header), function_arn, now_s=now_s, bits=bits, sample=sample)


def following(
    trace: Trace | None,
    function_arn: str,
    *,
    now_s: float,
    bits: Callable[[int], int],
    sample: Callable[[], bool] | None = None,
) -> str:
    """`entering` for a caller's trace that is parsed already."""
    if trace is None:
        digits = f"{bits(160):040x}"
        sampled = sample is not None and sample()
        return (
            f"Root=1-{int(now_s):08x}-{digits[:24]};Parent={digits[24:]};Sampled={sampled:d}"
            f";Lineage=1:{fingerprint(function_arn)}:0"
        )
    sampled = trace.sampled if trace.sampled is not None else sample is not None and sample()
    return str(
        Trace(
            root=trace.root,
            parent=f"{bits(64):016x}",
            sampled=sampled,
            requests=min(trace.requests + 1, REQUESTS_MAX),
            lineage=_counted(trace.lineage, fingerprint(function_arn)),
        )
    )


@lru_cache(maxsize=4096)
def fingerprint(function_arn: str) -> str:
    """Eight hexadecimal digits that stand for a function."""
    return f"{zlib.crc32(function_arn.encode()):08x}"


class Sampler:
    """Lambda's rule for one function with active tracing: the first request of each second, and 5 % of the others."""

    def __init__(self) -> None:
        self._second = -1
        self._taken = 0

    def decide(self, now_s: float, random: float) -> bool:
        """`random` is uniform in [0, 1)."""
        second = int(now_s)
        if second != self._second:
            self._second, self._taken = second, 0
        if self._taken < SAMPLES_PER_S:
            self._taken += 1
            return True
        return random < SAMPLE_RATE


def _counted(lineage: tuple[tuple[str, int], ...], function: str) -> tuple[tuple[str, int], ...]:
    if any(visited == function for visited, _ in lineage):
        return tuple(
            (visited, min(loops + 1, LOOPS_MAX) if visited == function else loops) for visited, loops in lineage
        )
    return (*lineage, (function, 0))[-FUNCTIONS_MAX:]


def _lineage(text: str) -> tuple[int, tuple[tuple[str, int], ...]]:
    """Requests in all, and the functions. One malformed entry makes the whole malformed: nothing was counted then."""
    if not text:
        return 0, ()
    found = [_VISIT.fullmatch(entry) for entry in text.split("|")]
    visits = {match["function"]: min(int(match["loops"]), LOOPS_MAX) for match in found if match is not None}
    if None in found or len(visits) != len(found):
        return 0, ()
    first = found[0]
    requests = int(first["requests"] or 0) if first is not None else 0
    return min(requests, REQUESTS_MAX), tuple(visits.items())[-FUNCTIONS_MAX:]
