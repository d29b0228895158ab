"""Who hears of an environment: what keeps it (`invoke.placement`, `runtime.snapshots`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ramuda.runtime.progress import Conclusion

if TYPE_CHECKING:
    from ramuda.runtime.environment import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Called in the event loop; must not wait."""

    answered: Callable[[Environment], None]
    """The caller has its answer; the environment will be idle soon."""
    idle: Callable[[Environment], None]
    lost: Callable[[Environment], None]
    """The sandbox failed; the environment must be closed."""
    concluded: Callable[[Conclusion], None]
