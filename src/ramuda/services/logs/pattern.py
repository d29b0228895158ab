"""Filter patterns of plain terms: which messages FilterLogEvents shows.

`ERROR timeout` wants every term, `?ERROR ?WARN` any, `-DEBUG` none of it, `"exact phrase"` keeps spaces and special
characters. Terms are compared with their case, anywhere in the message. As on AWS, `?` terms count only where there
is no plain one.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import re
from collections.abc import Callable

_TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')
_PLAIN = re.compile(r"\w+", re.ASCII)
_LATER = {
    "{": "JSON",
    "[": "space-delimited",
    "%": "regular expression",
}


class PatternError(ValueError):
    """The pattern is not one, or of a kind that is not supported."""


def compile_pattern(text: str) -> Callable[[str], bool] | None:
    """A test for messages, None when every message matches. Raises PatternError."""
    text = text.strip()
    if not text:
        return None
    if text[0] in _LATER:
        raise PatternError(f"Ramuda does not support {_LATER[text[0]]} filter patterns yet: use plain terms.")
    wanted, any_of, unwanted = _terms(text)

    def accepts(message: str) -> bool:
        if any(term in message for term in unwanted):
            return False
        if wanted:
            return all(term in message for term in wanted)
        return not any_of or any(term in message for term in any_of)

    return accepts


def _terms(text: str) -> tuple[list[str], list[str], list[str]]:
    wanted: list[str] = []
    any_of: list[str] = []
    unwanted: list[str] = []
    kinds = {"": wanted, "?": any_of, "-": unwanted}
    at = 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None:
            raise PatternError("Invalid filter pattern: a quotation mark is not closed.")
        sign, quoted, plain = match.groups()
        if plain is not None and not _PLAIN.fullmatch(plain):
            raise PatternError(f"Invalid character(s) in term '{plain}'")
        kinds[sign].append(plain if plain is not None else re.sub(r"\\(.)", r"\1", quoted))
        at = match.end()
    return wanted, any_of, unwanted
