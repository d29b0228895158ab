"""One connection of a runtime: HTTP/1.1 over an asyncio transport.

A plain protocol rather than an ASGI server, because two requests of it are in every invocation's path: see
`benchmarks/`. What comes in is written by hostile code: everything is bounded, and a violation closes the
connection."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import httptools

HEAD_BYTES_MAX = 64 * 1024
"""Of a request's head, of what follows its last chunk, and of the framing of one chunk."""
REASONS = {
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    413: "Payload Too Large",
    500: "Internal Server Error",
}


class Body(Protocol):
    """Takes a request's body as it comes."""

    def feed(self, data: bytes) -> None: ...

    def end(self, trailers: dict[bytes, bytes]) -> None: ...

    def abort(self) -> None:
        """The connection broke before the end."""
        ...


class Exchange:
    """One request, and the way to answer it, now or later, once."""

    __slots__ = ("connection", "headers", "method", "path")

    def __init__(self, connection: "ApiConnection", method: bytes, path: bytes, headers: dict[bytes, bytes]) -> None:
        self.connection = connection
        self.method = method
        self.path = path
        self.headers = headers

    def reply(
        self, status: int, body: bytes = b"", headers: bytes = b"", content_type: bytes = b"application/json"
    ) -> None:
        """`headers` are ready lines, each ending in CRLF."""
        self.connection.write(
            b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n%s"
            % (status, REASONS[status].encode(), content_type, headers, len(body), body)
        )

    def hold(self) -> None:
        """Stops reading from the runtime until `release`."""
        self.connection.hold()

    def release(self) -> None:
        self.connection.release()


class ApiConnection(asyncio.Protocol):
    """`open_body` is asked when a request's head is complete and says who takes its body. One that is not welcome is
    closed at once."""

    def __init__(
        self, open_body: Callable[[Exchange], Body], on_closed: Callable[["ApiConnection"], None], *, is_welcome: bool
    ) -> None:
        self._open_body = open_body
        self._is_welcome = is_welcome
        self._on_closed = on_closed
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._is_unread = False
        self._body: Body | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream protocol is always given a Transport
        if not self._is_welcome:
            self.close()

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()
        if self._head_bytes > HEAD_BYTES_MAX:
            self.close()

    def pause_writing(self) -> None:
        """The runtime does not read its answers: it is not asked for more, and may not send another request."""
        self._is_unread = True
        self.hold()

    def resume_writing(self) -> None:
        self._is_unread = False
        self.release()

    def eof_received(self) -> None:
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._body is not None:
            body, self._body = self._body, None
            body.abort()
        self._on_closed(self)

    # httptools' callbacks

    def on_message_begin(self) -> None:
        if self._is_unread and self._transport is not None:
            self._transport.abort()  # closing would wait until the answers are read
            raise ConnectionAbortedError("answers are not read")
        self._url = b""
        self._headers = {}

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        headers, self._headers = self._headers, {}
        if b"expect" in headers:
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._body = self._open_body(Exchange(self, self._parser.get_method(), self._url, headers))

    def on_body(self, data: bytes) -> None:
        self._head_bytes -= len(data)
        if self._body is not None:
            self._body.feed(data)

    def on_chunk_complete(self) -> None:
        self._head_bytes = 0

    def on_message_complete(self) -> None:
        self._head_bytes = 0
        body, self._body = self._body, None
        if body is not None:
            body.end(self._headers)

    # for exchanges

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def hold(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def release(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
