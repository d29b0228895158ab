"""What pages of other origins are told."""

from typing import Any

import pytest

from ramuda.services.lambda_.rules import url_cors

PAGE = "https://www.example.com"
ANY = ("Access-Control-Allow-Origin", "*")
OWN = ("Access-Control-Allow-Origin", PAGE)
VARY = ("Vary", "Origin")
CREDENTIALS = ("Access-Control-Allow-Credentials", "true")


@pytest.mark.parametrize(
    ("cors", "added"),
    [
        ({"AllowOrigins": ["*"]}, [ANY, VARY]),
        ({"AllowOrigins": ["*"], "AllowCredentials": True}, [OWN, VARY, CREDENTIALS]),
        ({"AllowOrigins": ["http://other", "HTTPS://WWW.example.com"]}, [OWN, VARY]),
        ({"AllowOrigins": ["http://other"]}, []),
        ({"AllowOrigins": []}, []),
        ({"AllowMethods": ["GET"]}, []),
        (
            {"AllowOrigins": [PAGE], "ExposeHeaders": ["Date", "X-A"]},
            [OWN, VARY, ("Access-Control-Expose-Headers", "Date,X-A")],
        ),
        (None, []),
    ],
)
def test_an_answer_for_a_page_gets_the_configured_headers(cors: dict[str, Any] | None, added: list[Any]) -> None:
    assert url_cors.answer(cors, PAGE) == added
    assert url_cors.answer(cors, None) == []


@pytest.mark.parametrize(
    ("cors", "answered"),
    [
        ({"AllowOrigins": [PAGE]}, [OWN, VARY]),
        ({"AllowOrigins": ["http://other"], "AllowMethods": ["*"]}, []),
        (
            {"AllowOrigins": ["*"], "AllowMethods": ["GET", "PUT"], "AllowHeaders": ["date", "x-a"], "MaxAge": 0},
            [
                ANY,
                VARY,
                ("Access-Control-Allow-Methods", "GET,PUT"),
                ("Access-Control-Allow-Headers", "date,x-a"),
                ("Access-Control-Max-Age", "0"),
            ],
        ),
        (
            {"AllowOrigins": ["*"], "AllowMethods": ["*"], "AllowHeaders": ["*"], "MaxAge": 300},
            [
                ANY,
                VARY,
                ("Access-Control-Allow-Methods", "*"),
                ("Access-Control-Allow-Headers", "*"),
                ("Access-Control-Max-Age", "300"),
            ],
        ),
        (
            {"AllowOrigins": ["*"], "AllowMethods": ["*"], "AllowHeaders": ["*"], "AllowCredentials": True},
            [
                OWN,
                VARY,
                CREDENTIALS,
                ("Access-Control-Allow-Methods", "PUT"),
                ("Access-Control-Allow-Headers", "x-wanted"),
            ],
        ),
    ],
)
def test_a_preflight_is_answered_from_the_configuration(cors: dict[str, Any], answered: list[Any]) -> None:
    assert url_cors.preflight(cors, PAGE, "PUT", "x-wanted") == answered
