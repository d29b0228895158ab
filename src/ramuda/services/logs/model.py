"""How CloudWatch Logs names things: ARNs of groups and streams, ids of events, tokens of pages."""

from dataclasses import dataclass

from ramuda.kernel.arn import Arn
from ramuda.telemetry.model import GroupRef, Position

_AT_DIGITS, _CHUNK_DIGITS, _PLACE_DIGITS = 15, 19, 22
_ID_DIGITS = _AT_DIGITS + _CHUNK_DIGITS + _PLACE_DIGITS  # AWS's event ids and tokens have 56


def group_arn(ref: GroupRef) -> str:
    return f"arn:aws:logs:{ref.region}:{ref.account}:log-group:{ref.name}"


def stream_arn(ref: GroupRef, stream: str) -> str:
    return f"{group_arn(ref)}:log-stream:{stream}"


def group_of_arn(text: str) -> GroupRef:
    """Of a log group's ARN, with or without the `:*` that DescribeLogGroups adds. Raises ValueError."""
    arn = Arn.parse(text.removesuffix(":*"))
    kind, _, name = arn.resource.partition(":")
    if arn.service != "logs" or kind != "log-group" or not name:
        raise ValueError(f"not the ARN of a log group: {text!r}")
    return GroupRef(arn.account, arn.region, name)


def event_id(position: Position) -> str:
    """Unique in a log group, and in the order of the events."""
    return f"{_number(position):0{_ID_DIGITS}d}"


@dataclass(frozen=True, slots=True)
class Token:
    """Where a page begins: behind `position` when going forward, before it when going backward."""

    forward: bool
    position: Position

    def __str__(self) -> str:
        return f"{'f' if self.forward else 'b'}/{event_id(self.position)}/s"

    @classmethod
    def parse(cls, text: str) -> "Token":
        """Raises ValueError."""
        direction, digits, end = (*text.split("/"), "", "")[:3]
        if direction not in ("f", "b") or len(digits) != _ID_DIGITS or not digits.isdecimal() or end != "s":
            raise ValueError(f"not a token: {text!r}")
        return cls(direction == "f", _position(int(digits)))


def just_before(position: Position) -> Position:
    """A place that no event has, before `position` and behind everything else before it."""
    return _position(max(_number(position) - 1, 0))


def just_behind(position: Position) -> Position:
    return _position(_number(position) + 1)


def _number(position: Position) -> int:
    scaled = position.at_ms * 10**_CHUNK_DIGITS + position.chunk
    return int(scaled * 10**_PLACE_DIGITS + position.place)


def _position(number: int) -> Position:
    rest, place = divmod(number, 10**_PLACE_DIGITS)
    at_ms, chunk = divmod(rest, 10**_CHUNK_DIGITS)
    return Position(at_ms, chunk, place)
