"""JSON lines that a function prints itself, and its application log level."""

import json

import pytest

from ramuda.runtime import levels

NOW = "2026-11-21T05:24:00.123Z"
THEN = "2026-11-20T00:00:00.000Z"


def line(level: str, timestamp: str | None = THEN) -> str:
    told = {"level": level, "message": "m"} | ({"timestamp": timestamp} if timestamp else {})
    return json.dumps(told) + "\n"


@pytest.mark.parametrize(
    ("level", "least", "is_passed"),
    [
        ("TRACE", "DEBUG", False),
        ("debug", "INFO", False),
        ("INFO", "INFO", True),
        ("WARNING", "WARN", True),
        ("WARN", "ERROR", False),
        ("CRITICAL", "FATAL", True),
        ("ERROR", "FATAL", False),
        ("Severe", "INFO", True),
        ("Severe", "WARN", False),
    ],
)
def test_a_line_below_the_level_is_dropped(level: str, least: str, is_passed: bool) -> None:
    assert levels.passed(line(level), least, NOW, None) == (line(level) if is_passed else None)


@pytest.mark.parametrize("timestamp", [None, "yesterday", "2026-11-20 00:00:00,000", "2026-11-20T00:00:00"])
def test_a_line_without_a_time_counts_as_info_and_is_given_one(timestamp: str | None) -> None:
    passed = levels.passed(line("ERROR", timestamp), "INFO", NOW, None)
    assert passed is not None
    assert json.loads(passed) == {"level": "ERROR", "message": "m", "timestamp": NOW}
    assert passed.endswith("}\n")
    assert levels.passed(line("ERROR", timestamp), "WARN", NOW, None) is None


def test_a_line_without_a_level_counts_as_info() -> None:
    text = '{"message": "m", "timestamp": "2026-11-20T00:00:00.000Z"}\n'
    assert levels.passed(text, "INFO", NOW, None) == text
    assert levels.passed(text, "WARN", NOW, None) is None


@pytest.mark.parametrize("text", ["plain\n", "{not json\n", "[1]\n", "{" * 2000])
def test_text_becomes_the_message_of_an_info_record(text: str) -> None:
    passed = levels.passed(text, "INFO", NOW, "id")
    assert passed is not None
    assert json.loads(passed) == {"timestamp": NOW, "level": "INFO", "message": text.rstrip(), "requestId": "id"}
    assert "requestId" not in str(levels.passed(text, "TRACE", NOW, None))
    assert levels.passed(text, "WARN", NOW, "id") is None


def test_metrics_are_no_log_records() -> None:
    text = '{"_aws": {"CloudWatchMetrics": []}, "Orders": 1}\n'
    assert levels.passed(text, "FATAL", NOW, "id") == text
