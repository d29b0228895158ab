"""The words of an environment's life: its states, how it begins, how its Init fails."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from ramuda.kernel.function import FunctionError


class Initialization(Enum):
    """Why an environment is made: AWS_LAMBDA_INITIALIZATION_TYPE."""

    ON_DEMAND = "on-demand"
    PROVISIONED = "provisioned-concurrency"
    SNAP_START = "snap-start"


class State(Enum):
    COLD = "cold"
    IDLE = "idle"
    RUNNING = "running"
    FINISHING = "finishing"
    RESETTING = "resetting"
    BROKEN = "broken"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What the first REPORT of an environment tells of its beginning."""

    init_ms: float | None = None
    restore_ms: float | None = None
    billed_restore_ms: float | None = None
    """The part of it in which the function's own code ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitFailure:
    """Init did not reach `next`. `outcome` makes the answer for the request (by its id) that has to bear it."""

    status: str
    error_type: str
    outcome: Callable[[str], FunctionError]
