"""What the server writes about itself."""

import logging
import sys

from ramuda.cli.serve import OneLine


def written(message: str, *arguments: object, failed: bool = False) -> str:
    try:
        raise ValueError("a bug")
    except ValueError:
        record = logging.LogRecord(
            "ramuda", logging.INFO, "x.py", 1, message, arguments, sys.exc_info() if failed else None
        )
    return OneLine("%(levelname)s %(message)s").format(record)


def test_a_name_that_a_function_chose_begins_no_line_and_steers_no_terminal() -> None:
    forged = "x\n2026 ERROR ramuda.server disk.full\r\x1b[2J\u2028"
    assert written("reason=%s", forged) == r"INFO reason=x\n2026 ERROR ramuda.server disk.full\r\x1b[2J\u2028"


def test_a_traceback_stays_one() -> None:
    lines = written("it broke", failed=True).split("\n")
    assert lines[:2] == ["INFO it broke", "Traceback (most recent call last):"]
    assert lines[-1] == "ValueError: a bug"
