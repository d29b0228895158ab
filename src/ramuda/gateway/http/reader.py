"""Bytes from the network to requests, within limits.

One reader serves one connection. What it finds goes to `deliver` as a `Turn`, in the order of arrival: a request that
is whole, a request whose body is read while it arrives, or one that is refused and ends the connection. After a refusal
nothing more is parsed. Framing is llhttp's in its strict mode, so a request with both Content-Length and
Transfer-Encoding is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import httptools

from ramuda.gateway.http.body import BodyStream
from ramuda.gateway.http.options import Options
from ramuda.gateway.messages import Request

_NAMES_REMEMBERED = 1024
_UPGRADE_FIELDS = frozenset({"connection", "upgrade", "http2-settings"})


class Phase(Enum):
    IDLE = "between requests"
    HEAD = "in the head of a request"
    BODY = "in the body of a request"


@dataclass(slots=True)
class Turn:
    """One request and how to answer it. `refused` is the HTTP status of a request that must not be carried out; its
    `request` then has whatever was understood of it."""

    request: Request
    keep_alive: bool = True
    http_1_0: bool = False
    expects_continue: bool = False
    refused: int | None = None
    stream: BodyStream | None = None


@dataclass(slots=True, kw_only=True)
class Hooks:
    """What a reader tells its connection, and asks of it. `body_awaited`: the client waits to be told to send its
    body."""

    deliver: Callable[[Turn], None]
    wants_stream: Callable[[Request], bool] | None
    body_awaited: Callable[[], None]
    pause: Callable[[], None]
    resume: Callable[[], None]


_lower_names: dict[bytes, str] = {}


def _lower(name: bytes) -> str:
    lowered = name.decode("latin-1").lower()
    if len(_lower_names) < _NAMES_REMEMBERED:
        _lower_names[name] = lowered
    return lowered


class RequestReader:
    """Feed it bytes; see the module. The `on_` methods are called by the parser."""

    def __init__(self, options: Options, peer: tuple[str, int] | None, hooks: Hooks) -> None:
        self._options, self._peer, self._hooks = options, peer, hooks
        self._parser = httptools.HttpRequestParser(self)
        self.phase = Phase.IDLE
        self.refused = False
        self._ended = False
        self._head_bytes = 0
        self._url = b""
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self._body_bytes = 0
        self._turn: Turn | None = None

    # -- called by the connection ------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        if self._ended:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(400)
        if self.phase is Phase.HEAD:
            self._head_bytes += len(data)
            if self._head_bytes > self._options.head_bytes:
                self._refuse(431)

    def stop(self) -> None:
        """Nothing more will come, or nothing more is wanted. A body that is being streamed fails for its reader."""
        self._ended = True
        if self._turn is not None and self._turn.stream is not None:
            self._turn.stream.fail()

    def _decline_upgrade(self, rest: bytes) -> None:
        """An offer to upgrade (h2c, as Java's client makes it) is declined by answering in HTTP/1.1 (RFC 9110, 7.8).
        The parser stops at such a head and would take the body for another protocol, so a new one gets the head without
        the offer."""
        method = self._parser.get_method()
        if method == b"CONNECT":
            self._refuse(400)
            return
        fields = [f"{name}: {value}\r\n" for name, value in self._headers.items() if name not in _UPGRADE_FIELDS]
        head = b"%b %b HTTP/1.1\r\n%b\r\n" % (method, self._url, "".join(fields).encode("latin-1"))
        self._parser = httptools.HttpRequestParser(self)
        self.feed(head + rest)

    def _refuse(self, status: int) -> None:
        if self._ended:
            return
        streaming = self._turn is not None and self._turn.stream is not None
        request = self._turn.request if self._turn is not None else self._request("GET")
        self.stop()
        self.refused = True
        self.phase = Phase.IDLE
        if not streaming:  # a streamed request has its turn already, and its reader has just been told
            self._hooks.deliver(Turn(request, keep_alive=False, refused=status))

    # -- called by the parser ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self.phase = Phase.HEAD
        self._url = b""
        self._headers = {}
        self._turn = None

    def on_url(self, url: bytes) -> None:
        self._url = self._url + url if self._url else url

    def on_header(self, name: bytes, value: bytes) -> None:
        key = _lower_names.get(name) or _lower(name)
        headers = self._headers
        text = value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text

    def on_headers_complete(self) -> None:
        parser, headers = self._parser, self._headers
        if self._ended or parser.should_upgrade():
            return
        self.phase = Phase.BODY
        self._head_bytes = 0
        self._pieces = []
        self._body_bytes = 0
        turn = Turn(self._request(parser.get_method().decode("ascii")), keep_alive=parser.should_keep_alive())
        self._turn = turn
        if parser.get_http_version() != "1.1":
            turn.http_1_0 = True
        if "expect" in headers:
            turn.expects_continue = not turn.http_1_0 and headers["expect"].lower() == "100-continue"
        announced = headers.get("content-length")
        if announced is not None and int(announced) > self._options.stream_from_bytes:
            self._begin_large(turn, int(announced))
        if turn.expects_continue and turn.stream is None and not self._ended:
            self._hooks.body_awaited()

    def _begin_large(self, turn: Turn, announced_bytes: int) -> None:
        wants_stream = self._hooks.wants_stream
        if wants_stream is not None and wants_stream(turn.request):
            turn.stream = turn.request.stream = BodyStream(self._hooks.pause, self._hooks.resume)
            self._hooks.deliver(turn)
        elif announced_bytes > self._options.body_bytes:
            self._refuse(413)

    def on_body(self, piece: bytes) -> None:
        turn = self._turn
        if self._ended or turn is None:
            return
        if turn.stream is not None:
            turn.stream.feed(piece)
            return
        self._pieces.append(piece)
        self._body_bytes += len(piece)
        if self._body_bytes > self._options.body_bytes:
            self._refuse(413)

    def on_message_complete(self) -> None:
        turn = self._turn
        if self._ended or turn is None:
            return
        self.phase = Phase.IDLE
        if turn.stream is not None:
            turn.stream.finish()
            return
        pieces = self._pieces
        if pieces:
            turn.request.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self._pieces = []
        self._hooks.deliver(turn)

    def _request(self, method: str) -> Request:
        path, _, query = self._url.decode("latin-1").partition("?")
        if not path.startswith("/"):
            path = _path_of_absolute(path)
        return Request(method=method, path=path, query=query, headers=self._headers, peer=self._peer)


def _path_of_absolute(target: str) -> str:
    """The path of `http://host/path`, as a proxy's client sends it; `*` and the like are the root."""
    _, separator, rest = target.partition("://")
    slash = rest.find("/")
    return rest[slash:] if separator and slash >= 0 else "/"
