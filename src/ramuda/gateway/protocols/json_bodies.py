"""JSON as the body of requests, answers and events."""

from collections.abc import Callable
from typing import Any

import msgspec
from botocore.model import Shape, StructureShape

from ramuda.gateway.protocols.documents import JSON_STYLE, Readers, Writers
from ramuda.gateway.protocols.malformed import serialization_error
from ramuda.kernel.codec import encode_json
from ramuda.kernel.errors import ApiError

_decode = msgspec.json.Decoder().decode


class JsonBodies:
    """JSON bodies. `unreadable_code` is the service's own error for a body that is not JSON, if it has one."""

    content_type = "application/json"

    def __init__(self, unreadable_code: str | None = None) -> None:
        self._unreadable_code = unreadable_code

    def members_reader(self, shape: StructureShape, names: list[str]) -> Callable[[bytes], dict[str, Any]]:
        read = Readers(JSON_STYLE).member_reader(shape, names)
        return lambda body: read(self._parse(body))

    def payload_reader(self, shape: Shape) -> Callable[[bytes], Any]:
        read = Readers(JSON_STYLE).reader(shape)
        return lambda body: read(self._parse(body))

    def members_writer(self, shape: StructureShape, names: list[str]) -> Callable[[dict[str, Any]], bytes]:
        write = Writers(JSON_STYLE).member_writer(shape, names)
        return lambda result: encode_json(write(result))

    def payload_writer(self, shape: Shape) -> Callable[[Any], bytes]:
        write = Writers(JSON_STYLE).writer(shape)
        return encode_json if write is None else lambda value: encode_json(write(value))

    def _parse(self, body: bytes) -> Any:
        try:
            return _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            raise self._unreadable(str(e)) from None
        except RecursionError:
            raise self._unreadable("the document nests too deep") from None

    def _unreadable(self, reason: str) -> ApiError:
        if self._unreadable_code is None:
            return serialization_error(reason)
        return ApiError(self._unreadable_code, f"Could not parse request body into json: {reason}")
