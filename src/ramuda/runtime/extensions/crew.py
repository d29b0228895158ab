"""All extensions of one environment: from their start before the runtime to the end of the environment.

    launch -> Started -> register -> Registered -> next -> Ready -> INVOKE -> Running -> next -> Ready ... SHUTDOWN
              (internal extensions begin with register)        init/error, exit/error, exit: lost

The environment is ready, after Init and after each event, when its runtime and all its extensions wait in `next`. An
extension that is lost takes the environment with it. `members` is empty for functions without extensions, which
then have nothing to do with any of this.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html"""

import asyncio
import functools
import os
import signal
import uuid
from collections.abc import Mapping
from typing import Protocol

from ramuda.kernel.clock import Clock
from ramuda.kernel.codec import encode_json
from ramuda.kernel.function import FunctionSnapshot, Invocation
from ramuda.kernel.ports.sandbox import Exit, NotLaunched, Program, Sandbox
from ramuda.runtime.extensions import programs, roster
from ramuda.runtime.extensions.roster import Event, Extension, Reason, Refused, Standing
from ramuda.runtime.options import Options

LAUNCH_REASONS = {"EACCES": "PermissionDenied"}
"""AWS's words for why a program could not be started; others are UnknownError."""


FLUSH_SHARE = 0.25
"""Part of the time to shut down that subscribers of telemetry have for what waits."""


class Exchange(Protocol):
    """A request that waits for its answer."""

    def reply(self, status: int, body: bytes = b"", headers: bytes = b"") -> None: ...


class Chronicle(Protocol):
    """Where what is said about extensions goes."""

    def expect_subscribers(self) -> None:
        """Programs will be started that may subscribe to telemetry."""
        ...

    def open_extension_output(self) -> int:
        """Where programs started from now on write; the caller closes it."""
        ...

    def extension(self, extension: Extension) -> None: ...

    async def flush(self, limit_s: float) -> None:
        """Subscribers get what waits for them."""
        ...


class Listener(Protocol):
    """The environment's side."""

    def on_everyone_ready(self) -> None:
        """The runtime and every extension wait for what comes next."""
        ...

    def on_extension_lost(self, error_type: str, detail: str) -> None: ...


class Crew:
    """`begin` and `launch` for every Init, then what the API and the environment tell; `shut_down` at the end."""

    def __init__(
        self,
        *,
        function: FunctionSnapshot,
        sandbox: Sandbox,
        chronicle: Chronicle,
        clock: Clock,
        options: Options,
        listener: Listener,
    ) -> None:
        self.members: dict[str, Extension] = {}
        """By name."""
        self._function = function
        self._sandbox = sandbox
        self._chronicle = chronicle
        self._clock = clock
        self._options = options
        self._listener = listener
        self._programs: tuple[str, ...] = ()
        self._environment: Mapping[str, str] = {}
        self._waiting: dict[str, Exchange] = {}
        self._exits: dict[str, asyncio.Future[Exit]] = {}
        self._registered: asyncio.Future[None] | None = None
        self._is_open = False
        self.is_initializing = False
        self._has_runtime = False
        self.runtime_waits = False
        """Whether the runtime waits for what comes next; only told where there are members."""
        self._shutdown: bytes | None = None

    def employ(self, variables: Mapping[str, str]) -> None:
        """Finds out what the function's layers bring. `variables` are the runtime's."""
        self._programs = programs.names(self._function)
        if self._programs:
            self._environment = programs.environment(variables)
            self._chronicle.expect_subscribers()

    # Init

    def begin(self) -> None:
        """An Init begins: everybody registers anew."""
        self.members.clear()
        self._waiting.clear()
        self._exits.clear()
        self._shutdown = None
        self._is_open = self.is_initializing = True
        self._has_runtime = self.runtime_waits = False
        self._registered = None

    async def launch(self) -> "asyncio.Future[None] | None":
        """Starts the layers' programs, in the order of their names; the answer is there when all have registered. None
        when there is nobody to wait for."""
        if not self._programs:
            return None
        registered = self._registered = asyncio.get_running_loop().create_future()
        for name in self._programs[: roster.EXTENSIONS_MAX]:
            self.members[name] = Extension(name=name, is_external=True)
        output = self._chronicle.open_extension_output()
        try:
            for extension in list(self.members.values()):
                if not await self._started(extension, output):
                    break
        finally:
            os.close(output)
        if len(self._programs) > roster.EXTENSIONS_MAX:
            self._lose("Extension.TooManyExtensions", f"Extension limit ({roster.EXTENSIONS_MAX}) reached")
        return registered

    async def _started(self, extension: Extension, output: int) -> bool:
        path = f"/opt/{programs.FOLDER}/{extension.name}"
        try:
            ended = await self._sandbox.start_beside(Program(argv=(path,), env=self._environment, output=output))
        except NotLaunched as error:
            extension.standing = Standing.LAUNCH_ERROR
            extension.error_type = LAUNCH_REASONS.get(error.reason, "UnknownError")
            self._lose("Extension.LaunchError", f"fork/exec {path}: {error.reason}")
            return False
        exit_ = self._exits[extension.name] = asyncio.ensure_future(ended)
        exit_.add_done_callback(functools.partial(self._on_exit, extension))
        return True

    def runtime_started(self) -> None:
        self._has_runtime = True

    def init_ended(self) -> None:
        self._is_open = self.is_initializing = False
        for extension in self.members.values():
            self._chronicle.extension(extension)

    # One event

    def invoke(self, invocation: Invocation, deadline_ms: int) -> None:
        """Tells those who want to know of an event that the runtime is given."""
        self.runtime_waits = False
        event = encode_json(
            {
                "eventType": Event.INVOKE.value,
                "deadlineMs": deadline_ms,
                "requestId": invocation.request_id,
                "invokedFunctionArn": invocation.invoked_arn,
                "tracing": {"type": "X-Amzn-Trace-Id", "value": invocation.trace or ""},
            }
        )
        for extension in self.members.values():
            if Event.INVOKE in extension.events and extension.is_waiting:
                self._give(extension, event)

    def runtime_ready(self) -> None:
        """The runtime waits for the next event."""
        self.runtime_waits = True
        self._is_open = False
        self._look()

    def _look(self) -> None:
        busy = (Standing.STARTED, Standing.REGISTERED, Standing.RUNNING)
        if self.runtime_waits and not any(each.standing in busy for each in self.members.values()):
            self._listener.on_everyone_ready()

    def _give(self, extension: Extension, event: bytes) -> None:
        exchange = self._waiting.pop(extension.id, None)
        if exchange is not None:
            extension.standing = Standing.RUNNING
            exchange.reply(200, event, b"Lambda-Extension-Event-Identifier: %s\r\n" % str(uuid.uuid4()).encode())

    # What extensions ask; each may raise Refused

    def register(self, name: str, body: bytes) -> Extension:
        extension = self.members.get(name)
        is_external = extension is not None and extension.is_external
        events = roster.wanted_events(body, is_external=is_external)
        if extension is None or not is_external:
            extension = self._add_internal(name, extension)
        elif extension.standing is not Standing.STARTED:
            raise roster.transition_refused(extension, Standing.REGISTERED, name)
        extension.id = str(uuid.uuid4())
        extension.events = events
        extension.standing = Standing.REGISTERED
        self._tell_registered()
        return extension

    def _add_internal(self, name: str, known: Extension | None) -> Extension:
        if not self._is_open:
            raise Refused("Extension.RegistrationClosed", "Extension registration closed already")
        if known is not None:
            raise Refused("Extension.InvalidExtensionState", "Extension with this name already registered")
        if len(self.members) >= roster.EXTENSIONS_MAX:
            message = f"Extension limit ({roster.EXTENSIONS_MAX}) reached"
            raise Refused("Extension.TooManyExtensions", message)
        extension = self.members[name] = Extension(name=name, is_external=False)
        return extension

    def _tell_registered(self) -> None:
        if self._registered is None or self._registered.done():
            return
        if not any(each.standing is Standing.STARTED for each in self.members.values()):
            self._registered.set_result(None)

    def known(self, identifier: str) -> Extension:
        for extension in self.members.values():
            if extension.id == identifier:
                return extension
        raise Refused("Extension.UnknownExtensionIdentifier", f"Unknown extension {identifier}")

    def next(self, extension: Extension, exchange: Exchange) -> None:
        if extension.standing not in roster.MAY_ASK_NEXT:
            raise roster.transition_refused(extension, Standing.READY, extension.id)
        extension.standing = Standing.READY
        self._waiting[extension.id] = exchange
        if self._shutdown is not None:
            self._tell_shutdown(extension)
        else:
            self._look()

    def report_error(self, extension: Extension, error_type: str, standing: Standing) -> None:
        """`init/error` and `exit/error`: the extension is lost, and its environment."""
        is_early = standing is Standing.INIT_ERROR and extension.standing is not Standing.REGISTERED
        if is_early or extension.standing in roster.LOST:
            raise roster.transition_refused(extension, standing, extension.id)
        extension.standing = standing
        extension.error_type = error_type
        self._lose(f"Extension.{standing.value}", error_type)

    def _on_exit(self, extension: Extension, ended: "asyncio.Future[Exit]") -> None:
        extension.has_ended = True
        if self._shutdown is not None or self.members.get(extension.name) is not extension or ended.cancelled():
            return
        if extension.standing in roster.LOST:
            return
        how = ended.result()
        extension.standing = Standing.EXITED
        extension.error_type = "Extension.Crash"
        detail = f"exit code {how.code}" if how.signal is None else f"signal {how.signal}"
        self._lose("Extension.Crash", detail)

    def _lose(self, error_type: str, detail: str) -> None:
        if self._shutdown is None:
            self._listener.on_extension_lost(error_type, detail)

    # The end

    async def shut_down(self, reason: Reason, *, is_orderly: bool) -> None:
        """Ends the runtime (with a word before, if orderly), tells the extensions, and waits until they have ended or
        their time is over. What is left is for the sandbox to kill."""
        externals = [each for each in self.members.values() if each.is_external and not each.has_ended]
        budget_s = self._options.shutdown_s if externals else self._options.shutdown_internal_s
        loop = asyncio.get_running_loop()
        end_s = loop.time() + budget_s
        deadline_ms = int((self._clock.time() + budget_s) * 1000)
        told = {"eventType": Event.SHUTDOWN.value, "shutdownReason": reason.value, "deadlineMs": deadline_ms}
        self._shutdown = encode_json(told)
        runtime_s = self._options.shutdown_runtime_s if externals else budget_s
        await self._end_runtime(runtime_s if is_orderly else 0.0)
        await self._chronicle.flush(budget_s * FLUSH_SHARE)
        for extension in externals:
            self._tell_shutdown(extension)
        # Those that reported an error are about to end by themselves.
        ending = [e.name for e in externals if Event.SHUTDOWN in e.events or e.standing in roster.LOST]
        running = [self._exits[name] for name in ending if name in self._exits and not self._exits[name].done()]
        if running:
            await asyncio.wait(running, timeout=max(end_s - loop.time(), 0.0))

    def _tell_shutdown(self, extension: Extension) -> None:
        if self._shutdown is not None and Event.SHUTDOWN in extension.events and extension.is_waiting:
            self._give(extension, self._shutdown)

    async def _end_runtime(self, grace_s: float) -> None:
        if not self._has_runtime:
            return
        if grace_s > 0:
            self._sandbox.signal_runtime(signal.SIGTERM)
            ended = asyncio.ensure_future(self._sandbox.wait())
            await asyncio.wait([ended], timeout=grace_s)
            ended.cancel()
        self._sandbox.signal_runtime(signal.SIGKILL)
