"""The Prometheus text of functions' metrics."""

from ramuda.telemetry import Telemetry, prometheus
from ramuda.testing import ManualClock

FUNCTION = (("FunctionName", "f"),)


async def rendered(telemetry: Telemetry, **gauges: float) -> str:
    await telemetry.metrics.series("0", "none", since_s=0)  # a read flushes
    return prometheus.render(telemetry, gauges).decode()


async def test_the_whole_text_of_one_function(telemetry: Telemetry, clock: ManualClock) -> None:
    now_s = clock.time()

    def series(name: str, unit: str, dimensions: tuple[tuple[str, str], ...] = FUNCTION):  # type: ignore[no-untyped-def]
        return telemetry.recorder.series("111111111111", "eu-west-1", "AWS/Lambda", name, dimensions, unit)

    for _ in range(3):
        series("Invocations", "Count").add(1.0, now_s)
        series("Invocations", "Count", ()).add(1.0, now_s)
        series("Invocations", "Count", (*FUNCTION, ("Resource", "f:1"))).add(1.0, now_s)
        series("Errors", "Count").add(0.0, now_s)
        series("Duration", "Milliseconds").add(12.5, now_s)
    series("Throttles", "Count").add(1.0, now_s)
    series("ConcurrentExecutions", "Count").add(2.0, now_s)
    series("ConcurrentExecutions", "Count").add(1.0, now_s)
    telemetry.recorder.series("1", "r", "Mine", "Invocations", FUNCTION, "Count").add(1.0, now_s)
    labels = '{account="111111111111",region="eu-west-1",function="f"}'
    assert await rendered(telemetry, ramuda_open_files=12, ramuda_load=0.5) == (
        "# HELP ramuda_lambda_invocations_total Invocations of a function, failed ones too.\n"
        "# TYPE ramuda_lambda_invocations_total counter\n"
        f"ramuda_lambda_invocations_total{labels} 3\n"
        "# HELP ramuda_lambda_errors_total Invocations that ended in an error of the function.\n"
        "# TYPE ramuda_lambda_errors_total counter\n"
        f"ramuda_lambda_errors_total{labels} 0\n"
        "# HELP ramuda_lambda_throttles_total Requests refused because no concurrency was left.\n"
        "# TYPE ramuda_lambda_throttles_total counter\n"
        f"ramuda_lambda_throttles_total{labels} 1\n"
        "# HELP ramuda_lambda_duration_seconds Time a function's code ran, per invocation.\n"
        "# TYPE ramuda_lambda_duration_seconds summary\n"
        f"ramuda_lambda_duration_seconds_sum{labels} 0.0375\n"
        f"ramuda_lambda_duration_seconds_count{labels} 3\n"
        "# HELP ramuda_lambda_concurrent_executions The most invocations of a function that ran at once in the last "
        "minute or two.\n"
        "# TYPE ramuda_lambda_concurrent_executions gauge\n"
        f"ramuda_lambda_concurrent_executions{labels} 2\n"
        "# TYPE ramuda_load gauge\n"
        "ramuda_load 0.5\n"
        "# TYPE ramuda_open_files gauge\n"
        "ramuda_open_files 12\n"
    )


async def test_concurrency_falls_to_zero_when_nothing_runs_any_more(telemetry: Telemetry, clock: ManualClock) -> None:
    telemetry.recorder.series("1", "r", "AWS/Lambda", "ConcurrentExecutions", FUNCTION, "Count").add(5.0, clock.time())
    await rendered(telemetry)
    await clock.advance(180)
    assert 'concurrent_executions{account="1",region="r",function="f"} 0\n' in await rendered(telemetry)


async def test_labels_are_escaped(telemetry: Telemetry, clock: ManualClock) -> None:
    odd = (("FunctionName", 'a"b\\c\nd'),)
    telemetry.recorder.series("1", "r", "AWS/Lambda", "Invocations", odd, "Count").add(1.0, clock.time())
    assert r'function="a\"b\\c\nd"} 1' in await rendered(telemetry)
