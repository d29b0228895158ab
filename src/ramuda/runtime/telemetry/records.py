"""Events of the Telemetry API and of JSON system logs: `{"time", "type", "record"}` (pure).

Sources: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html and, for the levels of JSON system
logs, https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html"""

from datetime import UTC, datetime
from typing import Any

from ramuda.kernel import limits
from ramuda.kernel.codec import encode_json
from ramuda.kernel.function import FunctionSnapshot

Record = dict[str, Any]

DEBUG, INFO, WARN = "DEBUG", "INFO", "WARN"
SYSTEM_LEVELS = (DEBUG, INFO, WARN)
_DETAIL = ("platform.initRuntimeDone", "platform.runtimeDone", "platform.restoreRuntimeDone")
_DROPPED_REASON = "Consumer seems to have fallen behind as it has not acknowledged receipt of logs."


def timestamp(at_s: float) -> str:
    """`2026-11-21T05:24:00.123Z`."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def event(at_s: float, kind: str, record: Any) -> bytes:
    return encode_json({"time": timestamp(at_s), "type": kind, "record": record})


def level(kind: str, record: Record) -> str:
    """Of a platform event in JSON system logs."""
    if kind == "platform.logsDropped" or record.get("status", "success") != "success" or "errorType" in record:
        return WARN
    if kind in _DETAIL:
        return DEBUG
    if kind == "platform.initReport" and record.get("initializationType") == "on-demand":
        return DEBUG
    return INFO


def init_start(
    function: FunctionSnapshot, *, initialization: str, phase: str, version: str, version_arn: str, instance: str
) -> Record:
    runtime = {"runtimeVersion": version, "runtimeVersionArn": version_arn} if version else {}
    return {
        "initializationType": initialization,
        "phase": phase,
        **runtime,
        "functionName": function.ref.name,
        "functionVersion": function.version,
        "instanceId": instance,
        "instanceMaxMemory": function.memory_mib * limits.MIB,
    }


def init_done(*, initialization: str, phase: str, status: str, error_type: str | None) -> Record:
    record: Record = {"initializationType": initialization, "phase": phase, "status": status}
    return _with_error(record, error_type)


def init_report(*, initialization: str, phase: str, status: str, error_type: str | None, duration_ms: float) -> Record:
    record = init_done(initialization=initialization, phase=phase, status=status, error_type=error_type)
    return {**record, "metrics": {"durationMs": _ms(duration_ms)}}


def restore_start(function: FunctionSnapshot, version: str, version_arn: str, instance: str) -> Record:
    return {
        "runtimeVersion": version,
        "runtimeVersionArn": version_arn,
        "functionName": function.ref.name,
        "functionVersion": function.version,
        "instanceId": instance,
        "instanceMaxMemory": function.memory_mib * limits.MIB,
    }


def restore_done(status: str, error_type: str | None) -> Record:
    return _with_error({"status": status}, error_type)


def restore_report(status: str, error_type: str | None, duration_ms: float) -> Record:
    return {**restore_done(status, error_type), "metrics": {"durationMs": _ms(duration_ms)}}


def start(request_id: str, version: str, trace: str | None) -> Record:
    record: Record = {"requestId": request_id, "version": version}
    if trace is not None:
        record["tracing"] = {"type": "X-Amzn-Trace-Id", "value": trace}
    return record


def runtime_done(
    request_id: str,
    *,
    status: str,
    error_type: str | None,
    duration_ms: float,
    produced_bytes: int | None,
    spans: list[Record],
) -> Record:
    metrics: Record = {"durationMs": _ms(duration_ms)}
    if produced_bytes is not None:
        metrics["producedBytes"] = produced_bytes
    record = _with_error({"requestId": request_id, "status": status}, error_type)
    return {**record, "metrics": metrics, **({"spans": spans} if spans else {})}


def span(name: str, start_s: float, duration_ms: float) -> Record:
    return {"name": name, "start": timestamp(start_s), "durationMs": _ms(duration_ms)}


def report(
    request_id: str,
    *,
    status: str,
    error_type: str | None,
    duration_ms: float,
    billed_ms: int,
    memory_mib: int,
    used_mib: int,
    init_ms: float | None,
    restore_ms: float | None,
) -> Record:
    metrics: Record = {
        "durationMs": _ms(duration_ms),
        "billedDurationMs": billed_ms,
        "memorySizeMB": memory_mib,
        "maxMemoryUsedMB": used_mib,
    }
    if init_ms is not None:
        metrics["initDurationMs"] = _ms(init_ms)
    if restore_ms is not None:
        metrics["restoreDurationMs"] = _ms(restore_ms)
    return {**_with_error({"requestId": request_id, "status": status}, error_type), "metrics": metrics}


def extension(name: str, state: str, events: list[str], error_type: str | None) -> Record:
    return _with_error({"name": name, "state": state, "events": events}, error_type)


def subscription(name: str, types: list[str]) -> Record:
    return {"name": name, "state": "Subscribed", "types": types}


def dropped(records: int, size_bytes: int) -> Record:
    return {"reason": _DROPPED_REASON, "droppedRecords": records, "droppedBytes": size_bytes}


def for_logs_api(kind: str, record: Any) -> list[tuple[str, Any]]:
    """What a subscriber of the older Logs API is told instead."""
    match kind:
        case "platform.start":
            return [(kind, {"requestId": record["requestId"], "version": record["version"]})]
        case "platform.runtimeDone":
            return [(kind, {"requestId": record["requestId"], "status": record["status"]})]
        case "platform.report":
            told = {"requestId": record["requestId"], "metrics": record["metrics"]}
            return [("platform.end", {"requestId": record["requestId"]}), (kind, told)]
        case "platform.telemetrySubscription":
            return [("platform.logsSubscription", record)]
        case "platform.extension" | "platform.logsDropped" | "function" | "extension":
            return [(kind, record)]
    return []


def _with_error(record: Record, error_type: str | None) -> Record:
    return record if error_type is None else {**record, "errorType": error_type}


def _ms(value: float) -> float:
    return round(value, 3)
