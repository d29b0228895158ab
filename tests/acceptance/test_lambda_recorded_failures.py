"""Functions that fail at start, in their handler, or before either: whole answers as AWS was recorded to give them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Aws


def failed(aws: Aws, name: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Members of the answer, the decoded error, and the request's id."""
    answer = dict(aws("lambda").invoke(FunctionName=name))
    metadata: Any = answer.pop("ResponseMetadata")
    assert metadata["HTTPStatusCode"] == 200
    return answer, json.loads(answer.pop("Payload").read()), metadata["RequestId"]


UNHANDLED = {"ExecutedVersion": "$LATEST", "FunctionError": "Unhandled", "StatusCode": 200}


@pytest.mark.parametrize(
    ("code", "configuration", "reason"),
    [
        (
            "def handler(event, context):\n    pass\n",
            {"Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/idontexist"}}},
            "Runtime exited with error: exit status 127",
        ),
        ("import os\nos._exit(0)\n", {}, "Runtime exited without providing a reason"),
    ],
    ids=["lambda_runtime_wrapper_not_found", "lambda_runtime_exit"],
)
def test_a_runtime_that_ends_says_how_it_ended(
    aws: Aws, deployed: Callable[..., str], code: str, configuration: dict[str, Any], reason: str
) -> None:
    answer, error, request_id = failed(aws, deployed({"app.py": code}, **configuration))
    assert answer == UNHANDLED
    assert error == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request_id} Error: {reason}"}


def test_a_module_that_raises_has_no_request_yet(aws: Aws, deployed: Callable[..., str]) -> None:
    """Recorded: lambda_runtime_error."""
    answer, error, _ = failed(aws, deployed({"app.py": 'raise Exception("Runtime startup fails")\n'}))
    trace = error.pop("stackTrace")
    assert answer == UNHANDLED
    assert error == {"errorMessage": "Runtime startup fails", "errorType": "Exception", "requestId": ""}
    assert trace[0].endswith("return _bootstrap._gcd_import(name[level:], package, level)\n")
    assert trace[-1] == (
        '  File "/var/task/app.py", line 1, in <module>\n    raise Exception("Runtime startup fails")\n'
    )


def test_a_handler_that_raises_tells_where(aws: Aws, deployed: Callable[..., str]) -> None:
    """Recorded: lambda_handler_error."""
    code = 'def handler(event, context):\n    raise Exception("Handler fails")\n'
    answer, error, request_id = failed(aws, deployed({"app.py": code}))
    assert answer == UNHANDLED
    assert error == {
        "errorMessage": "Handler fails",
        "errorType": "Exception",
        "requestId": request_id,
        "stackTrace": ['  File "/var/task/app.py", line 2, in handler\n    raise Exception("Handler fails")\n'],
    }


def test_an_answer_that_is_too_large_is_told_twice_alike(aws: Aws, deployed: Callable[..., str]) -> None:
    """Recorded: lambda_too_large_response."""
    name = deployed({"app.py": "def handler(event, context):\n    return 'x' * (6 * 1024 * 1024 + 100)\n"})
    for _ in range(2):
        answer, error, _ = failed(aws, name)
        assert answer == UNHANDLED
        assert error == {
            "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
            "errorType": "Function.ResponseSizeTooLarge",
        }
