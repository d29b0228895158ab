"""What an operator may set of the HTTP server."""

import msgspec

MIB = 1024 * 1024


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of one HTTP server. Times are seconds."""

    head_bytes: int = MIB
    """Request line and headers together; AWS's own limit for Lambda is 1 MB."""
    body_bytes: int = 128 * MIB
    """The most a request's body may have; more is answered with 413."""
    stream_from_bytes: int = 8 * MIB
    """A body longer than this, or of unknown length, is handed on while it arrives where the gateway asks for it."""
    head_timeout_s: float = 30.0
    """From a request's first byte (or the connection's start) to the end of its headers."""
    body_timeout_s: float = 30.0
    """The longest pause within a body."""
    write_timeout_s: float = 300.0
    """How long a client may leave an answer unread that no longer fits into the socket's buffers."""
    idle_timeout_s: float = 120.0
    """How long a kept-alive connection may be silent between requests."""
    max_connections: int = 4096
    """Further connections are closed at once."""
    max_connections_per_socket: int = 128
    """As many through one sandbox's own socket: a function cannot take the connections of others."""
    max_pipelined: int = 16
    """Requests of one connection that may wait for their turn; reading stops until one was answered."""
