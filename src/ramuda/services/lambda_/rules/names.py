"""What a FunctionName and a Qualifier mean: `name`, `name:qualifier`, `account:function:name`, partial and full ARNs.

Source: the FunctionName pattern of the service model; the refusals are recorded.
"""

import re
from dataclasses import dataclass

from ramuda.kernel.arn import function_arn
from ramuda.services.lambda_.model import LATEST
from ramuda.services.lambda_.rules import refusals

NAME_LENGTH_MAX = 64  # SM, FunctionName: "limited to 64 characters in length"

_NAME = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9_-]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A function, and the version or alias of it that the caller named, if any."""

    account: str
    region: str
    name: str
    qualifier: str | None

    @property
    def arn(self) -> str:
        """Qualified only when the caller named a qualifier."""
        return function_arn(self.account, self.region, self.name, self.qualifier)

    @property
    def function_arn(self) -> str:
        return function_arn(self.account, self.region, self.name)

    @property
    def version(self) -> str:
        """The qualifier, `$LATEST` when there is none."""
        return self.qualifier or LATEST


def parse(text: str, account: str, region: str, qualifier: str | None = None) -> Named:
    """Understands `text` as account `account` says it in `region`."""
    match = _NAME.fullmatch(text)
    if match is None:
        raise refusals.function_not_found(function_arn(account, region, text))
    if match["region"] not in (None, region):
        raise refusals.other_region(match["region"], region)
    if match["account"] not in (None, account):
        raise refusals.other_account()
    derived = match["qualifier"]
    if derived is not None and qualifier is not None and derived != qualifier:
        raise refusals.qualifier_mismatch()
    return Named(account=account, region=region, name=match["name"], qualifier=qualifier or derived)


def account_of(text: str) -> str | None:
    """The account that an ARN or a partial ARN names."""
    match = _NAME.fullmatch(text)
    return None if match is None else match["account"]


def is_version(qualifier: str) -> bool:
    """Whether the qualifier is `$LATEST` or a number; else it names an alias."""
    return qualifier == LATEST or (qualifier.isascii() and qualifier.isdecimal())


def parse_unqualified(text: str, account: str, region: str) -> Named:
    """For operations on functions as a whole."""
    named = parse(text, account, region)
    if named.qualifier is not None:
        raise refusals.functions_only()
    return named


def check_new(named: Named, text: str) -> None:
    """Whether a function may be created under this name."""
    if len(named.name) > NAME_LENGTH_MAX:
        raise refusals.invalid(
            f"1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint: "
            f"Member must have length less than or equal to {NAME_LENGTH_MAX}"
        )
