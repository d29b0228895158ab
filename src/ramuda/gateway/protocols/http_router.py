"""From (method, path, query) to the operation of a REST service, by the `http` traits of its model.

The paths form a tree of segments; a literal segment wins over a label, a label over a greedy one (`{Key+}`). Several
operations may share a method and a path: those whose template carries a query string (`?List=ALL`) want exactly that,
and of what is left the one wins whose required query and header members are there; a deprecated one loses to its
successor.

A slash at the end of a path does not matter, except inside a greedy label, where it is part of the value.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from botocore.model import OperationModel, ServiceModel

from ramuda.gateway.messages import Request
from ramuda.gateway.protocols.query_strings import parse_query_string


@dataclass(slots=True)
class _Candidate:
    name: str
    fixed: dict[str, str]
    required_query: list[str]
    required_headers: list[str]


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    label: "_Node | None" = None
    greedy: "_Node | None" = None
    methods: dict[str, list[_Candidate]] = field(default_factory=dict)


class HttpRouter:
    """The operations of one service. Immutable after it was made."""

    def __init__(self, service: ServiceModel) -> None:
        self._root = _Node()
        operations = [service.operation_model(name) for name in service.operation_names]
        for operation in sorted(operations, key=lambda operation: bool(operation.deprecated)):
            self._add(operation)

    def match(self, request: Request) -> str | None:
        """The operation's name, None when there is none for this method and path."""
        segments = request.path.split("/")
        candidates = _find(self._root, segments, 1, len(segments) - (segments[-1] == ""), request.method)
        if candidates is None:
            return None
        if len(candidates) == 1 and not candidates[0].fixed:
            return candidates[0].name
        return _choose(candidates, request)

    def _add(self, operation: OperationModel) -> None:
        path, _, query = operation.http["requestUri"].partition("?")
        node = self._root
        for segment in [s for s in path.split("/") if s]:
            if segment.endswith("+}"):
                node.greedy = node.greedy or _Node()
                node = node.greedy
            elif segment.startswith("{"):
                node.label = node.label or _Node()
                node = node.label
            else:
                node = node.literals.setdefault(segment, _Node())
        fixed = {key: values[0] for key, values in parse_query_string(query).items()}
        node.methods.setdefault(operation.http["method"], []).append(
            _Candidate(operation.name, fixed, _required(operation, "querystring"), _required(operation, "header"))
        )


@lru_cache(maxsize=64)
def router_of(service: ServiceModel) -> HttpRouter:
    """The service's router, made once."""
    return HttpRouter(service)


def _required(operation: OperationModel, location: str) -> list[str]:
    shape = operation.input_shape
    members = [shape.members[name] for name in shape.required_members] if shape else []
    return [m.serialization["name"] for m in members if m.serialization.get("location") == location]


def _find(node: _Node, segments: list[str], at: int, end: int, method: str) -> list[_Candidate] | None:
    """The operations at the end of `segments[at:end]`, looking behind every branch that fits. An empty label never
    fits."""
    if at == end:
        return node.methods.get(method)
    segment = segments[at]
    child = node.literals.get(segment)
    found = _find(child, segments, at + 1, end, method) if child is not None else None
    if found is None and node.label is not None and segment:
        found = _find(node.label, segments, at + 1, end, method)
    if found is None and node.greedy is not None:
        found = _find_greedy(node.greedy, segments, at, end, method)
    return found


def _find_greedy(node: _Node, segments: list[str], at: int, end: int, method: str) -> list[_Candidate] | None:
    """A greedy label takes as much as leaves the rest of its template satisfied."""
    for stop in range(end, at, -1):
        found = _find(node, segments, stop, end, method)
        if found is not None:
            return found
    return None


def _choose(candidates: list[_Candidate], request: Request) -> str | None:
    query = parse_query_string(request.query)
    best: tuple[int, int] | None = None
    chosen = None
    for candidate in candidates:
        if any(query.get(key, [None])[0] != value for key, value in candidate.fixed.items()):
            continue
        missing = sum(key not in query for key in candidate.required_query)
        missing += sum(name.lower() not in request.headers for name in candidate.required_headers)
        wanted = len(candidate.fixed) + len(candidate.required_query) + len(candidate.required_headers)
        rank = (-missing, wanted)
        if best is None or rank > best:
            best, chosen = rank, candidate.name
    return chosen
