r"""The models' patterns are Java's; this makes them Python's.

The differences that occur: Unicode categories (`\p{L}`), which `re` does not know and which are written out as ranges
here; a hyphen behind a class in a set (`[\w-_]`), which Java takes for itself; and `\d`, `\w`, `\s`, which are ASCII
in Java.

Source: https://docs.oracle.com/javase/8/docs/api/java/util/regex/Pattern.html
"""

import re
import unicodedata
import warnings
from functools import lru_cache
from itertools import groupby

_TOKEN = re.compile(r"\\p\{(?P<category>\w+)\}|\\.|\[\^?|\]|.", re.DOTALL)
_ASSIGNED = (range(0x33480), range(0xE0000, 0xE0200))
"""Where assigned characters are; the planes between and behind hold none but private ones."""


@lru_cache(maxsize=1024)
def compile_java(pattern: str) -> re.Pattern[str] | None:
    """None when the pattern has something that cannot be said in Python. A first `\\p` costs some 20 ms."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # sets such as [a--], which Python reads as Java does
            return re.compile(_translate(pattern), re.ASCII)
    except (re.error, KeyError):
        return None


def _translate(pattern: str) -> str:
    """Raises KeyError for a category that is not Unicode's."""
    out: list[str] = []
    in_set = False
    before = ""
    for found in _TOKEN.finditer(pattern):
        piece = found[0]
        if found["category"]:
            ranges = _ranges()[found["category"]]
            out.append(ranges if in_set else f"[{ranges}]")
        elif piece == "-" and in_set and before in (r"\w", r"\d", r"\s"):
            out.append(r"\-")
        else:
            out.append(piece)
        if piece[0] == "[":
            in_set = True
        elif piece == "]":
            in_set = False
        before = piece
    return "".join(out)


@lru_cache(maxsize=1)
def _ranges() -> dict[str, str]:
    r"""Every general category, long (`Lu`) and short (`L`), as the inside of a set."""
    ranges: dict[str, list[str]] = {}
    for block in _ASSIGNED:
        at = block.start
        for category, run in groupby(unicodedata.category(chr(code)) for code in block):
            end = at + sum(1 for _ in run)
            text = rf"\U{at:08x}-\U{end - 1:08x}"
            ranges.setdefault(category, []).append(text)
            ranges.setdefault(category[0], []).append(text)
            at = end
    return {category: "".join(texts) for category, texts in ranges.items()}
