"""CloudWatch's own rules, beyond what the service model says, and the words of its errors.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
"""

import math
import re
from datetime import datetime

from ramuda.kernel.errors import ApiError

STATISTICS_POINTS_MAX = 1_440
DATA_QUERIES_MAX = 500
DATA_POINTS_MAX = 100_800
LISTED_AT_ONCE = 500
LISTED_SINCE_S = 14 * 86_400
RECENTLY_ACTIVE_S = 3 * 3600
_OFFSET = re.compile(r"[0-9]{1,12}")
_SHORT_PERIODS_S = (1, 5, 10, 20, 30)
_MINUTE_S, _DAY_S = 60, 86_400
_START_ROUNDING = ((15 * _DAY_S, 60), (63 * _DAY_S, 300))
"""A start that is younger than the first is rounded down to the second; an older one to the hour."""


def invalid_value(message: str) -> ApiError:
    return ApiError("InvalidParameterValue", message, status=400)


def invalid_combination(message: str) -> ApiError:
    return ApiError("InvalidParameterCombination", message, status=400)


def missing(message: str) -> ApiError:
    return ApiError("MissingParameter", message, status=400)


def validation_error(message: str) -> ApiError:
    return ApiError("ValidationError", message, status=400)


def offset_of(token: str | None) -> int | None:
    """How much earlier pages showed; None for a token that was not given here."""
    if token is None:
        return 0
    return int(token) if _OFFSET.fullmatch(token) else None


def period_is_valid(period_s: int) -> bool:
    return period_s in _SHORT_PERIODS_S or (period_s > 0 and period_s % _MINUTE_S == 0)


PERIOD_WORDS = "must be 1, 5, 10, 20, 30, or a multiple of 60"


def check_times(start: datetime, end: datetime) -> None:
    if start == end:
        raise invalid_value("The parameter StartTime must not equal parameter EndTime.")
    if start > end:
        raise invalid_combination("The parameter StartTime must be less than the parameter EndTime.")


def aligned_start_s(start: datetime, period_s: int, now_s: float) -> int:
    """Where the first period begins: AWS rounds the start down, the more the older it is."""
    start_s = math.floor(start.timestamp())
    if period_s < _MINUTE_S:
        step_s = period_s
    else:
        step_s = next((step for age_s, step in _START_ROUNDING if now_s - start_s < age_s), 3600)
    return start_s // step_s * step_s


def end_s(end: datetime) -> int:
    """The first second that no longer counts."""
    return math.ceil(end.timestamp())


def check_point_count(start_s: int, until_s: int, period_s: int) -> None:
    points = math.ceil((until_s - start_s) / period_s)
    if points > STATISTICS_POINTS_MAX:
        raise invalid_combination(
            f"You have requested up to {points} datapoints, which exceeds the limit of {STATISTICS_POINTS_MAX}. You "
            "may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )
