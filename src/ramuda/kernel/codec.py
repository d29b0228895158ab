"""JSON, the one way in and out. Stored records carry a version and go through here too."""

from typing import Any

import msgspec

encode_json = msgspec.json.Encoder().encode
"""Any value of dicts, lists, strings, numbers, dataclasses and datetimes to compact JSON bytes."""

_decode = msgspec.json.Decoder().decode


def decode_json(data: bytes | str) -> Any:
    """JSON to plain values. Raises ValueError with the position when `data` is not JSON."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise ValueError(str(e)) from e
