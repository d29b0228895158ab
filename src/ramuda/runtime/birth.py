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
from ramuda.kernel.ports.sandbox import Assignment, Sandbox
from ramuda.runtime import image_functions, reports, variables
from ramuda.runtime.environment import Environment, Observer
from ramuda.runtime.options import Options
from ramuda.runtime.prepared import PreparedEnvironments
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

    async def open(
        self,
        function: FunctionSnapshot,
        observer: Observer,
        initialization: Initialization = Initialization.ON_DEMAND,
    ) -> Environment:
        """A cold environment for the function. Raises PortError."""
        born_s = self._clock.monotonic()
        if function.image is not None:
            runtime = image_functions.provided(function.image)
        else:
            runtime = await self._catalogue.provide(function.runtime)
        sandbox, attachment = await self._prepared.take(runtime.spec)
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
        )
        if not function.has_way_out and not attachment.shut_way_out():
            stream.write(int(self._clock.time() * 1000), NO_ISOLATION)
        try:
            await environment.open(self._assignment(environment, runtime, sandbox, name))
        except BaseException:
            await environment.close()
            raise
        return environment

    def _assignment(
        self, environment: Environment, runtime: ProvidedRuntime, sandbox: Sandbox, stream: str
    ) -> Assignment:
        function = environment.function
        address = sandbox.sockets.gateway_address or self._platform_address()
        platform = variables.defined_by_platform(
            function,
            log_stream=stream,
            runtime_address=sandbox.sockets.runtime_address,
            credentials=self._credentials(function),
            initialization_type=environment.initialization.value,
            is_framed=sandbox.frames is not None,
        )
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

    def _credentials(self, function: FunctionSnapshot) -> Credentials:
        role = Arn.parse(function.role)
        return self._issuer.issue_role_session(
            str(role), function.ref.name, int(self._options.lifetime_s) + CREDENTIALS_MARGIN_S
        )
