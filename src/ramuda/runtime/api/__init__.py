"""The HTTP API that runtimes speak inside their sandbox:
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.

`RuntimeApi` (in `invocation`) holds the protocol's state for one environment; `connection` turns bytes into calls of
it. The Extensions, Telemetry and Logs APIs (`extensions`, `telemetry`) are further routes on the same address."""

from ramuda.runtime.api.bodies import ResponseStream, StreamLimits
from ramuda.runtime.api.invocation import Listener, RuntimeApi

__all__ = ["Listener", "ResponseStream", "RuntimeApi", "StreamLimits"]
