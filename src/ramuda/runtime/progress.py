"""One invocation inside an environment: what was asked, what came back, and who still waits for it."""

import asyncio
from dataclasses import dataclass

from ramuda.kernel import limits
from ramuda.kernel.function import FunctionError, Invocation, Outcome, Streamed, Success
from ramuda.runtime.api import ResponseStream


@dataclass(slots=True, kw_only=True)
class Conclusion:
    """How an invocation ended, once its environment is free again. `duration_ms` leaves out the Init phase of a cold
    start."""

    invocation: Invocation
    started_at_s: float
    duration_ms: float
    init_ms: float | None
    error_type: str | None
    extensions_ms: float | None = None
    """How long extensions went on after the runtime was done; None for a function without."""


class Progress:
    """The answer is given to the caller once: at once, or at the end when the log's tail is wanted with it."""

    __slots__ = (
        "_answer",
        "_stream",
        "_tail",
        "answer_began_s",
        "answered_s",
        "error_type",
        "invocation",
        "outcome",
        "produced_bytes",
        "runtime_done_s",
        "started_at_s",
        "started_s",
    )

    def __init__(
        self, invocation: Invocation, outcome: "asyncio.Future[Outcome]", started_s: float, started_at_s: float
    ) -> None:
        self.invocation = invocation
        self.outcome = outcome
        self.started_s = started_s
        self.started_at_s = started_at_s
        self.error_type: str | None = None
        self.answer_began_s: float | None = None
        self.answered_s: float | None = None
        self.produced_bytes: int | None = None
        """These three are for telemetry: None where nobody wants them."""
        self.runtime_done_s: float | None = None
        """When the runtime was done, where extensions may go on."""
        self._answer: Success | FunctionError | None = None
        self._stream: ResponseStream | None = None
        self._tail: list[str] | None = [] if invocation.wants_tail else None

    def logged(self, text: str) -> None:
        if self._tail is not None:
            self._tail.append(text)

    @property
    def answer_bytes(self) -> int | None:
        """Of the answer until now, where it is known."""
        return self.produced_bytes if self._stream is None else self._stream.size_bytes

    def note_answer(self, now_s: float, size_bytes: int) -> None:
        self.answer_began_s = self.answered_s = now_s
        self.produced_bytes = size_bytes

    def answered(self, answer: Success | FunctionError) -> None:
        if isinstance(answer, FunctionError):
            self.error_type = answer.error_type
        if self._tail is None:
            self._resolve(answer)
        else:
            self._answer = answer

    def streaming(self, stream: ResponseStream) -> None:
        self._stream = stream
        stream.waits_for_log = self._tail is not None
        self._resolve(stream.outcome)

    def finish(self, failure: FunctionError | None = None) -> None:
        """The log is complete. `failure` ends what was not answered, or breaks off a stream."""
        tail = "".join(self._tail).encode()[-limits.LOG_TAIL_BYTES :] if self._tail is not None else b""
        if failure is not None:
            self.error_type = failure.error_type
        if self._stream is not None:
            self._stream.outcome.tail = tail
            self._stream.finish((failure.error_type, failure.payload.decode()) if failure else None)
            self.error_type = self._stream.outcome.error[0] if self._stream.outcome.error else self.error_type
            return
        answer = self._answer or failure
        if answer is not None:
            answer.tail = tail
            self._resolve(answer)

    def _resolve(self, outcome: Success | FunctionError | Streamed) -> None:
        if not self.outcome.done():
            self.outcome.set_result(outcome)
