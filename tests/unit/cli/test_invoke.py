"""`ramuda invoke`: payloads in, answers, logs and exit codes out."""

import base64
import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Endpoint, Ramuda

INVOKE = "POST /2015-03-31/functions/f/invocations"
LOG = "START RequestId: r Version: $LATEST\nhello\nREPORT RequestId: r\tDuration: 1.00 ms\n"
ERROR = {"errorMessage": "no tea", "errorType": "ValueError", "stackTrace": ['  File "app.py", line 2\n']}


def test_the_answer_alone_is_on_standard_output(endpoint: Endpoint, ramuda: Ramuda) -> None:
    endpoint.answer(INVOKE, {"total": 7})
    result = ramuda("invoke", "f", '{"a": 1}')
    assert (result.exit_code, result.stdout, result.stderr) == (0, '{"total": 7}\n', "")
    assert endpoint.asked[0].body == b'{"a": 1}'


def test_tail_shows_the_log_beside_the_answer(endpoint: Endpoint, ramuda: Ramuda) -> None:
    endpoint.answer(INVOKE, "ok", X_Amz_Log_Result=base64.b64encode(LOG.encode()).decode())
    result = ramuda("invoke", "f", "--tail")
    assert (result.exit_code, result.stdout, result.stderr) == (0, '"ok"\n', LOG)
    assert endpoint.asked[0].headers["x-amz-log-type"] == "Tail"


def test_a_failed_function_ends_with_exit_code_1_and_its_error(endpoint: Endpoint, ramuda: Ramuda) -> None:
    endpoint.answer(INVOKE, ERROR, X_Amz_Function_Error="Unhandled")
    result = ramuda("invoke", "f")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == 'ValueError: no tea\n    File "app.py", line 2\n'


def test_json_holds_everything_for_programs(endpoint: Endpoint, ramuda: Ramuda) -> None:
    endpoint.answer(
        f"{INVOKE}?Qualifier=3",
        ERROR,
        X_Amz_Function_Error="Unhandled",
        X_Amz_Executed_Version="3",
        X_Amz_Log_Result=base64.b64encode(LOG.encode()).decode(),
        x_amzn_RequestId="b2f0a1de-0000-4000-8000-000000000000",
    )
    result = ramuda("invoke", "f", "--json", "--qualifier", "3")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "statusCode": 200,
        "requestId": "b2f0a1de-0000-4000-8000-000000000000",
        "executedVersion": "3",
        "functionError": "Unhandled",
        "payload": ERROR,
        "log": LOG,
    }


def test_async_hands_the_event_over(endpoint: Endpoint, ramuda: Ramuda) -> None:
    endpoint.answer(INVOKE, b"", status=202, x_amzn_RequestId="r-1")
    result = ramuda("invoke", "f", "--async")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "accepted, request id r-1\n")
    assert endpoint.asked[0].headers["x-amz-invocation-type"] == "Event"


@pytest.mark.parametrize("way", ["argument", "file", "stdin", "none"])
def test_the_payload_comes_from_where_it_is_said_to(
    way: str, endpoint: Endpoint, ramuda: Ramuda, tmp_path: Path
) -> None:
    endpoint.answer(INVOKE, None)
    (tmp_path / "event.json").write_text('{"from": "file"}')
    given = {"argument": ['{"from": "argument"}'], "file": [f"@{tmp_path}/event.json"], "stdin": ["-"], "none": []}
    ramuda("invoke", "f", *given[way], stdin=b'{"from": "stdin"}')
    assert endpoint.asked[0].body == (b"{}" if way == "none" else f'{{"from": "{way}"}}'.encode())


def test_a_missing_payload_file_is_wrong_use(ramuda: Ramuda, tmp_path: Path) -> None:
    result = ramuda("invoke", "f", f"@{tmp_path}/none.json")
    assert result.exit_code == 2
    assert f"there is no file '{tmp_path}/none.json' to read the payload from" in result.stderr


def test_an_error_of_aws_is_one_sentence_and_exit_code_4(endpoint: Endpoint, ramuda: Ramuda) -> None:
    endpoint.answer(
        INVOKE,
        {"Message": "Function not found: arn", "Type": "User"},
        status=404,
        X_Amzn_ErrorType="ResourceNotFoundException",
    )
    result = ramuda("invoke", "f")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr == "error: Invoke: Function not found: arn\n  ResourceNotFoundException\n"


def test_no_server_is_one_sentence_and_exit_code_3(ramuda: Ramuda) -> None:
    result = ramuda("invoke", "f", "--endpoint-url", "http://127.0.0.1:9")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == (
        "error: no answer from http://127.0.0.1:9\n"
        "  Start a server with `ramuda serve`, or say where it is with --endpoint-url or AWS_ENDPOINT_URL.\n"
    )


def test_an_endpoint_that_is_no_url_is_wrong_use(ramuda: Ramuda) -> None:
    result = ramuda("invoke", "f", "--endpoint-url", "nowhere")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nowhere" in result.stderr
    assert "Traceback" not in result.stderr
