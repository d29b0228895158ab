"""The headers that carry an event to the runtime (pure).

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next
"""

import os
from random import getrandbits

from ramuda.kernel.function import Invocation


def headers(invocation: Invocation, deadline_ms: int) -> bytes:
    """Header lines, each ending in CRLF. `deadline_ms` is milliseconds since the epoch. The invocation's id tells
    attempts of one request apart; nothing depends on nobody guessing it."""
    trace = invocation.trace or new_trace(deadline_ms // 1000, sampled=invocation.function.tracing_active)
    lines = (
        f"Lambda-Runtime-Aws-Request-Id: {invocation.request_id}\r\n"
        f"Lambda-Runtime-Deadline-Ms: {deadline_ms}\r\n"
        f"Lambda-Runtime-Invoked-Function-Arn: {invocation.invoked_arn}\r\n"
        f"Lambda-Runtime-Trace-Id: {trace}\r\n"
        f"Lambda-Runtime-Invocation-Id: {getrandbits(128):032x}\r\n"
    )
    if invocation.client_context:
        lines += f"Lambda-Runtime-Client-Context: {' '.join(invocation.client_context.splitlines())}\r\n"
    return lines.encode()


def new_trace(epoch_s: int, *, sampled: bool) -> str:
    """`Root=1-8hex-24hex;Parent=16hex;Sampled=0|1`."""
    digits = os.urandom(20).hex()
    return f"Root=1-{epoch_s:08x}-{digits[:24]};Parent={digits[24:]};Sampled={int(sampled)}"
