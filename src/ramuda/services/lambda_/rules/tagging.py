"""Tags: what may have them, and how many. Source: recorded answers (tag_limits, tag_versions)."""

from collections.abc import Iterable, Mapping

from ramuda.kernel import limits
from ramuda.kernel.arn import Arn
from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.rules import names, refusals

KINDS = ("code-signing-config", "event-source-mapping")
"""What may have tags beside functions."""


def taggable(text: str, account: str, region: str) -> names.Named | str:
    """A function, or the last part of another resource's ARN: `code-signing-config:ID`. Raises AWS's refusal for what
    cannot be tagged."""
    try:
        arn = Arn.parse(text)
    except ValueError:
        arn = None
    kind = "" if arn is None else arn.resource.partition(":")[0]
    if arn is None or kind not in (*KINDS, "function"):
        raise refusals.unsupported("Tagging of anything but functions, code signing configurations and mappings")
    if kind == "function":
        named = names.parse(text, account, region)
        if named.qualifier is not None:
            raise refusals.tags_need_a_function()
        return named
    if arn.account != account:
        raise refusals.other_account()
    if arn.region != region:
        raise not_found(text)
    return arn.resource


def not_found(arn: str) -> ApiError:
    """As other operations say it of such a resource (recorded)."""
    if ":code-signing-config:" in arn:
        return refusals.not_found(f"The Lambda code signing configuration {arn} can not be found.")
    return refusals.not_found("The resource you requested does not exist.")


def merged(tags: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """`tags` with `more` laid over."""
    result = {**tags, **more}
    if len(result) > limits.TAGS_MAX:
        raise refusals.too_many_tags()
    return result


def without(tags: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Names that are not there are no error."""
    gone = set(names)
    return {name: value for name, value in tags.items() if name not in gone}
