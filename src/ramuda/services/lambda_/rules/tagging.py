"""Tags: fifty per function, on functions only. Source: recorded answers (tag_limits, tag_versions)."""

from collections.abc import Iterable, Mapping

from ramuda.kernel import limits
from ramuda.services.lambda_.rules import refusals


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
