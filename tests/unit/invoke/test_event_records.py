"""What destinations and dead-letter queues are told."""

import json

import pytest

from ramuda.invoke.decide import Progress
from ramuda.invoke.destinations.record import Answer, Trouble, dead_letter_attributes, invocation_record, timestamp
from ramuda.kernel.function import FunctionRef

FUNCTION = FunctionRef(account="1", region="r", name="f")


def record(payload: bytes, answer: Answer | None) -> str:
    return invocation_record(
        request_id="i",
        function=FUNCTION,
        condition="Success",
        progress=Progress(accepted_at_s=0, attempts=1),
        payload=payload,
        answer=answer,
        at_s=1.5,
    )


def test_payloads_stand_in_the_record_as_they_came() -> None:
    text = record(b'{"a": 1.0,"b":12345678901234567890123}', Answer(payload=b"[1e400]", version="7", is_error=False))
    assert '"requestPayload":{"a": 1.0,"b":12345678901234567890123}' in text
    assert '"responsePayload":[1e400]' in text


@pytest.mark.parametrize("payload", [b"no json", b'"\xff"', b"", b"[" * 5000])
def test_an_answer_that_is_no_json_stands_there_as_a_string(payload: bytes) -> None:
    told = json.loads(record(b"1", Answer(payload=payload, version="1", is_error=False)))
    assert told["responsePayload"] == payload.decode(errors="replace")


def test_a_timestamp_has_milliseconds() -> None:
    assert timestamp(1_573_755_365.568) == "2019-11-14T18:16:05.568Z"
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("answer", "trouble", "code", "message"),
    [
        (b'{"errorMessage":"no luck"}', None, "200", "no luck"),
        (b'{"errorMessage":"no luck"}', Trouble(status=429, message="Rate Exceeded."), "200", "no luck"),
        (None, Trouble(status=429, message="Rate Exceeded."), "429", "Rate Exceeded."),
        (b"plain", None, "200", "plain"),
        (b'{"errorMessage":7}', None, "200", None),
        (b"{}", None, "200", None),
        (b"[]", None, "200", None),
        (('{"errorMessage":"' + "é" * 2000 + '"}').encode(), None, "200", "é" * 512),
    ],
)
def test_attributes_of_a_dead_letter(
    answer: bytes | None, trouble: Trouble | None, code: str, message: str | None
) -> None:
    told = None if answer is None else Answer(payload=answer, version="1", is_error=True)
    expected = [("RequestID", "String", "i"), ("ErrorCode", "Number", code)]
    if message is not None:
        expected.append(("ErrorMessage", "String", message))
    found = [(one.name, one.type, one.value) for one in dead_letter_attributes("i", told, trouble)]
    assert found == expected
