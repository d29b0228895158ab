"""Who is registered and what may be asked when: names, events, states and refusals of the Extensions API (pure).

Sources: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html; error types and sentences as AWS's
runtime interface emulator gives them."""

from dataclasses import dataclass, field
from enum import Enum

from ramuda.kernel.codec import decode_json
from ramuda.kernel.errors import RamudaError

EXTENSIONS_MAX = 10


class Event(Enum):
    INVOKE = "INVOKE"
    SHUTDOWN = "SHUTDOWN"


class Reason(Enum):
    """Why an environment is shut down: `shutdownReason`."""

    SPINDOWN = "SPINDOWN"
    TIMEOUT = "TIMEOUT"
    FAILURE = "FAILURE"


class Standing(Enum):
    """Where an extension is. The names stand in errors and log lines."""

    STARTED = "Started"
    REGISTERED = "Registered"
    READY = "Ready"
    RUNNING = "Running"
    INIT_ERROR = "InitError"
    EXIT_ERROR = "ExitError"
    LAUNCH_ERROR = "LaunchError"
    EXITED = "Exited"


LOST = (Standing.INIT_ERROR, Standing.EXIT_ERROR, Standing.LAUNCH_ERROR, Standing.EXITED)
MAY_ASK_NEXT = (Standing.REGISTERED, Standing.READY, Standing.RUNNING)


@dataclass(slots=True, kw_only=True)
class Extension:
    """One extension. `id` is the Lambda-Extension-Identifier it speaks with, empty before it registered."""

    name: str
    is_external: bool
    id: str = ""
    events: tuple[Event, ...] = ()
    standing: Standing = Standing.STARTED
    error_type: str | None = None
    """Of an extension that reported an error, or was lost."""
    has_ended: bool = field(default=False)

    @property
    def is_waiting(self) -> bool:
        return self.standing is Standing.READY


class Refused(RamudaError):  # noqa: N818 - an answer, not a failure of ours
    """What the API answers instead of what was asked."""

    def __init__(self, error_type: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message


def wanted_events(body: bytes, *, is_external: bool) -> tuple[Event, ...]:
    """The events of a registration. Raises Refused."""
    try:
        told = decode_json(body)
    except (ValueError, RecursionError):
        raise Refused("InvalidRequestFormat", "The body of the request is not a JSON object") from None  # ours
    names = told.get("events") if isinstance(told, dict) else None
    if names is None:
        names = []
    if not isinstance(names, list):
        raise Refused("InvalidRequestFormat", "events must be a list")  # ours
    return tuple(dict.fromkeys(_event(name, is_external=is_external) for name in names))


def _event(name: object, *, is_external: bool) -> Event:
    try:
        event = Event(name)
    except ValueError:
        raise Refused("Extension.InvalidEventType", f"{str(name)[:64]}: ErrorInvalidEventType") from None
    if event is Event.SHUTDOWN and not is_external:
        message = "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"
        raise Refused("Extension.InvalidEventType", message)
    return event


def transition_refused(extension: Extension, target: Standing, who: str) -> Refused:
    message = f"State transition from {extension.standing.value} to {target.value} failed for extension {who}."
    return Refused("Extension.InvalidExtensionState", f"{message} Error: State transition is not allowed")
