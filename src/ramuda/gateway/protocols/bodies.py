"""Request bodies before anybody looks into them: decompression, and decoders that never raise anything but
ApiError."""

import zlib
from collections.abc import Callable
from typing import Any

from botocore.model import OperationModel

from ramuda.gateway.messages import Request
from ramuda.gateway.protocols.malformed import serialization_error, too_deep

DECOMPRESSED_BYTES = 32 * 1024 * 1024
"""The most a compressed body may become; CloudWatch's own limit for PutMetricData is 1 MB compressed."""


def body_reader(operation: OperationModel) -> Callable[[Request], bytes]:
    """How to get at the body: as it is, or decompressed where the model lets clients compress (PutMetricData)."""
    compression = operation.request_compression
    return decompressed_body if compression and "gzip" in compression.get("encodings", ()) else _plain_body


def _plain_body(request: Request) -> bytes:
    return request.body


def decompressed_body(request: Request) -> bytes:
    """The body without gzip, if it has one around it. Raises ApiError SerializationException."""
    encodings = request.headers.get("content-encoding", "")
    if encodings.rpartition(",")[2].strip() != "gzip":
        return request.body
    decompressor = zlib.decompressobj(wbits=31)
    try:
        body = decompressor.decompress(request.body, DECOMPRESSED_BYTES)
    except zlib.error as e:
        raise serialization_error(f"The gzip body could not be decompressed: {e}") from None
    if not decompressor.eof:
        raise serialization_error("The gzip body is incomplete or too large")
    return body


def guarded(read: Callable[[Request], dict[str, Any]]) -> Callable[[Request], dict[str, Any]]:
    """`read`, with a value that nests deeper than Python can follow answered as AWS answers an unreadable one."""

    def parse(request: Request) -> dict[str, Any]:
        try:
            return read(request)
        except RecursionError:
            raise too_deep() from None

    return parse
