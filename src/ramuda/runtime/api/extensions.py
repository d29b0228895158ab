"""The Extensions API of one environment: `register`, `event/next`, `init/error` and `exit/error`.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html"""

import uuid
from collections.abc import Callable

from ramuda.kernel.codec import encode_json
from ramuda.kernel.function import FunctionSnapshot
from ramuda.runtime.api.bodies import Buffered, Ignored
from ramuda.runtime.api.connection import Body, Exchange
from ramuda.runtime.extensions.crew import Crew
from ramuda.runtime.extensions.roster import Extension, Refused, Standing

PREFIX = b"/2020-01-01/extension/"
NAME_HEADER = b"lambda-extension-name"
IDENTIFIER_HEADER = b"lambda-extension-identifier"
FEATURE_HEADER = b"lambda-extension-accept-feature"
ERROR_TYPE_HEADER = b"lambda-extension-function-error-type"
BODY_BYTES_MAX = 64 * 1024
ERROR_TYPE_BYTES = 256
NAME_MAX = 255
"""Of a file."""


class ExtensionsApi:
    """Routes of the API; the state is the crew's."""

    def __init__(self, crew: Crew, function: FunctionSnapshot) -> None:
        self._crew = crew
        self._function = function

    def open_body(self, exchange: Exchange) -> Body | None:
        """None for a path that is not of this API."""
        if not exchange.path.startswith(PREFIX):
            return None
        match exchange.method, exchange.path[len(PREFIX) :]:
            case b"POST", b"register":
                return taken(exchange, lambda body: self._register(exchange, body))
            case b"GET", b"event/next":
                return Ignored(lambda: answered(exchange, lambda: self._next(exchange)))
            case b"POST", b"init/error":
                return taken(exchange, lambda _: self._error(exchange, Standing.INIT_ERROR))
            case b"POST", b"exit/error":
                return taken(exchange, lambda _: self._error(exchange, Standing.EXIT_ERROR))
        return None

    def _register(self, exchange: Exchange, body: bytes) -> None:
        name = exchange.headers.get(NAME_HEADER, b"").decode("utf-8", "replace")
        if not name or len(name) > NAME_MAX:
            raise Refused("Extension.InvalidExtensionName", "Empty extension name")
        extension = self._crew.register(name, body)
        ref = self._function.ref
        told = {
            "functionName": ref.name,
            "functionVersion": self._function.version,
            "handler": self._function.handler,
        }
        if b"accountId" in exchange.headers.get(FEATURE_HEADER, b"").replace(b" ", b"").split(b","):
            told["accountId"] = ref.account
        exchange.reply(200, encode_json(told), b"Lambda-Extension-Identifier: %s\r\n" % extension.id.encode())

    def _next(self, exchange: Exchange) -> None:
        self._crew.next(identified(self._crew, exchange), exchange)

    def _error(self, exchange: Exchange, standing: Standing) -> None:
        extension = identified(self._crew, exchange)
        error_type = exchange.headers.get(ERROR_TYPE_HEADER, b"")[:ERROR_TYPE_BYTES].decode("utf-8", "replace")
        if not error_type:
            raise Refused("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
        self._crew.report_error(extension, error_type, standing)
        exchange.reply(202, b'{"status":"OK"}\n')


def identified(crew: Crew, exchange: Exchange) -> Extension:
    """Who speaks. Raises Refused."""
    identifier = exchange.headers.get(IDENTIFIER_HEADER, b"").decode("latin-1")
    if not identifier:
        message = "Missing Lambda-Extension-Identifier header"
        raise Refused("Extension.MissingExtensionIdentifier", message)
    try:
        parsed = uuid.UUID(identifier)
    except ValueError:
        raise Refused("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier") from None
    return crew.known(str(parsed))


def taken(exchange: Exchange, work: Callable[[bytes], None]) -> Body:
    """Takes a small body and does the work with it."""

    def then(body: bytes | None) -> None:
        if body is None:
            refuse(exchange, Refused("RequestEntityTooLarge", "The body of the request is too large", 413))  # ours
        else:
            answered(exchange, lambda: work(body))

    return Buffered(BODY_BYTES_MAX, then, over=lambda: None)


def answered(exchange: Exchange, work: Callable[[], None]) -> None:
    try:
        work()
    except Refused as refused:
        refuse(exchange, refused)


def refuse(exchange: Exchange, refused: Refused) -> None:
    exchange.reply(refused.status, encode_json({"errorMessage": refused.message, "errorType": refused.error_type}))
