"""Shapes of CloudWatch's wire that more than one operation reads."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ramuda.telemetry.model import Dimensions


def dimensions_of(wire: Iterable[dict[str, str]] | None) -> Dimensions:
    return tuple(sorted((one["Name"], one["Value"]) for one in wire or ()))


def wire_of_dimensions(dimensions: Dimensions) -> list[dict[str, Any]]:
    return [{"Name": name, "Value": value} for name, value in dimensions]


def instant(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)
