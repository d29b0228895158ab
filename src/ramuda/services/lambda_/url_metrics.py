"""The AWS/Lambda metrics of function URLs, under AWS's dimensions: the function, its `$LATEST` or alias, the region.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html
"""

from ramuda.kernel.ports.recorder import MetricSeries, Recorder
from ramuda.services.lambda_.model import LATEST, FunctionUrl

NAMESPACE = "AWS/Lambda"
URLS_REMEMBERED = 10_000


class _Set:
    """The four metrics under one set of dimensions."""

    def __init__(self, recorder: Recorder, url: FunctionUrl, dimensions: tuple[tuple[str, str], ...]) -> None:
        def series(name: str, unit: str) -> MetricSeries:
            return recorder.series(url.account, url.region, NAMESPACE, name, dimensions, unit)

        self.requests = series("UrlRequestCount", "Count")
        self.client_errors = series("Url4xxCount", "Count")
        self.server_errors = series("Url5xxCount", "Count")
        self.latency = series("UrlRequestLatency", "Milliseconds")


class UrlMetrics:
    """Counts requests."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._sets: dict[str, list[_Set]] = {}

    def answered(self, url: FunctionUrl, status: int, took_ms: float, at_s: float) -> None:
        for metrics in self._sets_of(url):
            metrics.requests.add(1.0, at_s)
            metrics.client_errors.add(1.0 if 400 <= status < 500 else 0.0, at_s)
            metrics.server_errors.add(1.0 if status >= 500 else 0.0, at_s)
            metrics.latency.add(took_ms, at_s)

    def _sets_of(self, url: FunctionUrl) -> list[_Set]:
        found = self._sets.get(url.url_id)
        if found is None:
            if len(self._sets) >= URLS_REMEMBERED:
                self._sets.clear()
            function = ("FunctionName", url.name)
            resource = ("Resource", f"{url.name}:{url.qualifier or LATEST}")
            found = [_Set(self._recorder, url, dimensions) for dimensions in ((function,), (function, resource), ())]
            self._sets[url.url_id] = found
        return found
