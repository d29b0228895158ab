"""`ramuda logs`: one reading of a function's log, following it, and its colours."""

import json
from typing import Any

import pytest

from ramuda.cli import logs
from tests.unit.cli.conftest import Endpoint, Ramuda

CONFIGURATION = "GET /2015-03-31/functions/f/configuration"


def _event(number: int, message: str, at_ms: int = 1_700_000_000_000) -> dict[str, Any]:
    return {
        "eventId": str(number),
        "timestamp": at_ms,
        "logStreamName": "s",
        "message": message,
        "ingestionTime": at_ms,
    }


def _query(endpoint: Endpoint, number: int) -> Any:
    return json.loads([a for a in endpoint.asked if a.what == "FilterLogEvents"][number].body)


def test_every_page_of_the_functions_own_group_is_shown(endpoint: Endpoint, ramuda: Ramuda) -> None:
    endpoint.answer(CONFIGURATION, {"LoggingConfig": {"LogGroup": "/mine"}})
    endpoint.answer("FilterLogEvents", {"events": [_event(1, "one\n")], "nextToken": "t"})
    endpoint.answer("FilterLogEvents", {"events": [_event(2, "two\n", 1_700_000_000_789)]})
    result = ramuda("logs", "f", "--filter", "o")
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.split(" ", 1)[1] for line in result.stdout.splitlines()] == ["one", "two"]
    assert [line.split(" ", 1)[0][-6:] for line in result.stdout.splitlines()] == ["20.000", "20.789"]
    assert (_query(endpoint, 0)["logGroupName"], _query(endpoint, 0)["filterPattern"]) == ("/mine", "o")
    assert _query(endpoint, 1)["nextToken"] == "t"


def test_a_function_that_is_gone_still_has_its_log(endpoint: Endpoint, ramuda: Ramuda) -> None:
    endpoint.answer(CONFIGURATION, {"Message": "no"}, status=404, X_Amzn_ErrorType="ResourceNotFoundException")
    endpoint.answer("FilterLogEvents", {"events": []})
    assert ramuda("logs", "f").exit_code == 0
    assert _query(endpoint, 0)["logGroupName"] == "/aws/lambda/f"


def test_json_is_one_event_a_line(endpoint: Endpoint, ramuda: Ramuda) -> None:
    endpoint.answer("FilterLogEvents", {"events": [_event(1, "one\n"), _event(2, "two\n")]})
    result = ramuda("logs", "/any/group", "--json")
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"timestamp": 1_700_000_000_000, "stream": "s", "message": "one\n"},
        {"timestamp": 1_700_000_000_000, "stream": "s", "message": "two\n"},
    ]


def test_following_shows_each_event_once_until_it_is_interrupted(
    endpoint: Endpoint, ramuda: Ramuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[float] = []

    def pause(seconds: float) -> None:
        turns.append(seconds)
        if len(turns) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(logs.time, "sleep", pause)
    first, second, third = _event(1, "one\n"), _event(2, "two\n"), _event(3, "three\n", 1_700_000_000_001)
    endpoint.answer("FilterLogEvents", {"__type": "ResourceNotFoundException"}, status=400)
    endpoint.answer("FilterLogEvents", {"events": [first]})
    endpoint.answer("FilterLogEvents", {"events": [first, second]})
    endpoint.answer("FilterLogEvents", {"events": [first, second, third]})
    result = ramuda("logs", "/any/group", "--tail")
    assert result.exit_code == 0
    assert [line.split(" ", 1)[1] for line in result.stdout.splitlines()] == ["one", "two", "three"]
    assert _query(endpoint, 2)["startTime"] == 1_700_000_000_000


def test_an_age_that_is_none_is_wrong_use(ramuda: Ramuda) -> None:
    result = ramuda("logs", "f", "--since", "yesterday")
    assert result.exit_code == 2
    assert "'yesterday' is not an age like 90s, 10m, 2h or 1d" in result.stderr


@pytest.mark.parametrize(
    ("line", "style"),
    [
        ("START RequestId: r Version: $LATEST", "dim"),
        ("REPORT RequestId: r\tDuration: 1 ms", "cyan dim"),
        ("REPORT RequestId: r\tDuration: 1 ms\tStatus: timeout", "red"),
        ("[ERROR]\t2026-11-21T05:24:00Z\tr\tno tea", "red"),
        ('{"level": "ERROR", "message": "no tea"}', "red"),
        ("2026-11-21T05:24:00Z\tr\tWARN\tlittle tea", "yellow"),
        ("hello", ""),
    ],
)
def test_lines_take_the_colour_of_their_level(line: str, style: str) -> None:
    assert str(logs.coloured(line).style) == style
