"""How an environment comes to be: a sandbox (prepared, or made now) is given variables, code and a log stream.

The variables hold temporary credentials of the function's execution role, and `AWS_ENDPOINT_URL` points to the
platform."""

from collections.abc import Callable

from ramuda.kernel import limits
from ramuda.kernel.arn import Arn
from ramuda.kernel.clock import Clock
from ramuda.kernel.function import FunctionSnapshot
from ramuda.kernel.ids import Ids
from ramuda.kernel.ports.catalog import ProvidedRuntime, RuntimeCatalogue
from ramuda.kernel.ports.credentials import CredentialIssuer, Credentials
from ramuda.kernel.ports.recorder import Recorder
from ramuda.kernel.ports.sandbox import Assignment, NotCopyable, Sandbox
from ramuda.runtime import image_functions, reports, variables
from ramuda.runtime.api.restore import SnapStart
from ramuda.runtime.environment import Environment, Observer
from ramuda.runtime.options import Options
from ramuda.runtime.prepared import Attachment, PreparedEnvironments
from ramuda.runtime.snapshots import Furnishing, Snapshots
from ramuda.runtime.states import Initialization

CREDENTIALS_MARGIN_S = 3600
"""An invocation that begins at the end of an environment's life still has valid credentials: longer than any
time-out."""

NO_ISOLATION = "The function's VPC has no way out, but this sandbox shares the host's network: it is not shut.\n"


class EnvironmentFactory:
    """`open` is what placement calls for a new environment."""

    def __init__(
        self,
        *,
        catalogue: RuntimeCatalogue,
        prepared: PreparedEnvironments,
        recorder: Recorder,
        issuer: CredentialIssuer,
        platform_address: Callable[[], str],
        clock: Clock,
        ids: Ids,
        options: Options,
    ) -> None:
        self._catalogue = catalogue
        self._prepared = prepared
        self._recorder = recorder
        self._issuer = issuer
        self._platform_address = platform_address
        self._clock = clock
        self._ids = ids
        self._options = options
        self.snapshots: Snapshots | None = None
        """Where versions with SnapStart are restored from; set once, by whoever has both."""

    async def open(
        self,
        function: FunctionSnapshot,
        observer: Observer,
        initialization: Initialization = Initialization.ON_DEMAND,
    ) -> Environment:
        """An environment for the function: restored from a snapshot where it has one, else cold. Raises RestoreFailed,
        PortError."""
        born_s = self._clock.monotonic()
        warning = ""
        if function.snap_start and self.snapshots is not None and initialization is Initialization.ON_DEMAND:
            try:
                return await self.snapshots.restore(function, observer)
            except NotCopyable as e:
                warning = f"SnapStart: there is no snapshot of this function any more, it starts cold: {e.reason}."
        if function.image is not None:
            runtime = image_functions.provided(function.image)
        else:
            runtime = await self._catalogue.provide(function.runtime)
        sandbox, attachment = await self._prepared.take(runtime.spec)
        environment = await self._open(function, runtime, sandbox, attachment, observer, born_s, initialization)
        if warning:
            environment.warn(warning)
        return environment

    async def furnish(self, furnishing: Furnishing) -> Environment:
        """Implements `snapshots.Furnisher`."""
        return await self._open(
            furnishing.function,
            furnishing.runtime,
            furnishing.sandbox,
            furnishing.attachment,
            furnishing.observer,
            furnishing.born_s,
            Initialization.SNAP_START,
            furnishing.snap_start,
        )

    async def _open(
        self,
        function: FunctionSnapshot,
        runtime: ProvidedRuntime,
        sandbox: Sandbox,
        attachment: Attachment,
        observer: Observer,
        born_s: float,
        initialization: Initialization,
        snap_start: SnapStart | None = None,
    ) -> Environment:
        ref = function.ref
        name = reports.log_stream_name(function.version, self._clock.time(), self._ids.hex(32))
        stream = self._recorder.open_stream(ref.account, ref.region, function.logging.group, name)
        environment = Environment(
            function=function,
            runtime=runtime,
            sandbox=sandbox,
            stop_plumbing=attachment.stop,
            stream=stream,
            clock=self._clock,
            options=self._options,
            observer=observer,
            born_s=born_s,
            initialization=initialization,
            snap_start=snap_start,
        )
        if not function.has_way_out and not attachment.shut_way_out():
            stream.write(int(self._clock.time() * 1000), NO_ISOLATION)
        try:
            await environment.open(self._assignment(environment, runtime, sandbox, name, snap_start))
        except BaseException:
            await environment.close()
            raise
        return environment

    def _assignment(
        self,
        environment: Environment,
        runtime: ProvidedRuntime,
        sandbox: Sandbox,
        stream: str,
        snap_start: SnapStart | None,
    ) -> Assignment:
        function = environment.function
        address = sandbox.sockets.gateway_address or self._platform_address()
        platform = variables.defined_by_platform(
            function,
            log_stream=stream,
            runtime_address=sandbox.sockets.runtime_address,
            credentials=self.credentials(function),
            initialization_type=environment.initialization.value,
            is_framed=sandbox.frames is not None,
        )
        if snap_start is not None:
            platform = snap_start.variables(platform, sandbox.sockets.runtime_address)
        return Assignment(
            function_arn=function.arn,
            task_dir=function.task_dir,
            opt_dir=function.opt_dir,
            handler=image_functions.handler(function),
            env=variables.compose(dict(runtime.spec.environment), platform, function, f"http://{address}"),
            memory_mib=function.memory_mib,
            tmp_mib=function.tmp_mib,
            vcpus=function.memory_mib / limits.MEMORY_MIB_PER_VCPU,
            # An image's own bootstrap reads the variable.
            exec_wrapper=None if runtime.spec.root else function.environment.get("AWS_LAMBDA_EXEC_WRAPPER"),
            command=image_functions.command(function),
            working_dir=function.image.working_dir if function.image is not None else "/var/task",
        )

    def credentials(self, function: FunctionSnapshot, duration_s: int | None = None) -> Credentials:
        """Of the function's role; by default for as long as an environment lives."""
        role = Arn.parse(function.role)
        duration_s = duration_s or int(self._options.lifetime_s) + CREDENTIALS_MARGIN_S
        return self._issuer.issue_role_session(str(role), function.ref.name, duration_s)
