"""Snapshots of initialised versions (SnapStart), as the Lambda API asks for them."""

from dataclasses import dataclass
from typing import Protocol

from ramuda.kernel.function import FunctionSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshotted:
    """What came of it. `failure`: the function's Init failed, with an error type and a sentence. Else, unless
    `is_optimized`, there is no snapshot of this function here, and its environments start cold."""

    is_optimized: bool = False
    failure: tuple[str, str] | None = None


class Snapshotter(Protocol):
    async def snapshot(self, function: FunctionSnapshot) -> Snapshotted:
        """Runs Init of a version and keeps what it left, for environments to be restored from. Raises PortError."""
        ...

    def forget(self, function_arn: str, version: str | None = None) -> None:
        """The version, or the whole function, is gone. `function_arn` is unqualified."""
        ...


class NoSnapshots:
    """Implements `Snapshotter` where environments always start cold."""

    async def snapshot(self, function: FunctionSnapshot) -> Snapshotted:
        return Snapshotted()

    def forget(self, function_arn: str, version: str | None = None) -> None:
        pass
