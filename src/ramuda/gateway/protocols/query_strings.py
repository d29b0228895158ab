"""Query strings and form bodies to names and values, without ever raising."""

from urllib.parse import unquote_plus


def parse_query_string(text: str) -> dict[str, list[str]]:
    """Names to their values in order. A name without `=` has the value "". Bytes that are not UTF-8 become U+FFFD."""
    pairs: dict[str, list[str]] = {}
    if not text:
        return pairs
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            pairs.setdefault(_decode(name), []).append(_decode(value))
    return pairs


def _decode(text: str) -> str:
    return unquote_plus(text) if "%" in text or "+" in text else text
