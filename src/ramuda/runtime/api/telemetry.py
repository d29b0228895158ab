"""The Telemetry API and the Logs API of one environment: one request each, `PUT`.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html,
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html"""

from collections.abc import Callable

from ramuda.runtime.api.connection import Body, Exchange
from ramuda.runtime.api.extensions import identified, taken
from ramuda.runtime.extensions.crew import Crew
from ramuda.runtime.extensions.roster import Extension, Refused
from ramuda.runtime.telemetry import subscriptions
from ramuda.runtime.telemetry.subscriptions import Api, Subscription

PATHS = {
    b"/2022-07-01/telemetry": Api.TELEMETRY,
    b"/2022-07-01/telemetry/": Api.TELEMETRY,
    b"/2020-08-15/logs": Api.LOGS,
    b"/2020-08-15/logs/": Api.LOGS,
}
CLOSED = {
    Api.TELEMETRY: ("Telemetry.SubscriptionClosed", "Telemetry API subscription is closed already"),
    Api.LOGS: ("Logs.SubscriptionClosed", "Logs API subscription is closed already"),
}


class TelemetryApi:
    """`subscribe` is told of every valid subscription of a known extension."""

    def __init__(self, crew: Crew, subscribe: Callable[[Extension, Subscription], None]) -> None:
        self._crew = crew
        self._subscribe = subscribe

    def open_body(self, exchange: Exchange) -> Body | None:
        """None for a path that is not of this API."""
        api = PATHS.get(exchange.path)
        if api is None or exchange.method != b"PUT":
            return None
        return taken(exchange, lambda body: self._put(exchange, api, body))

    def _put(self, exchange: Exchange, api: Api, body: bytes) -> None:
        extension = identified(self._crew, exchange)
        if not self._crew.is_initializing:
            raise Refused(*CLOSED[api])
        self._subscribe(extension, subscriptions.parse(body, api))
        exchange.reply(200, b'"OK"')
