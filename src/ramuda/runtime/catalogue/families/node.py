"""Node.js: AWS's own client once it is compiled, until then ours; started before its function is known.

Three things may be missing and are installed: the wanted version of Node itself (waited for), the AWS SDK (waited for
up to `node_sdk_wait_s`), AWS's client (never waited for). What comes late is used by environments made after it.
"""

from concurrent.futures import TimeoutError as WaitedLongEnough
from pathlib import Path

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Boot, RuntimeSpec
from ramuda.runtime.catalogue import selection
from ramuda.runtime.catalogue.entry import Entry
from ramuda.runtime.catalogue.workshop import Provision, RuntimeStatus, Workshop
from ramuda.runtime.interpreters import Interpreter, Kind
from ramuda.runtime.provision import node

OLDEST = (16,)
BOOTSTRAP = "/var/runtime/bootstrap.cjs"
FLAGS = ("--expose-gc", "--max-http-header-size=81920")  # as Lambda starts it
SDK_ADVICE = "install npm: functions do not find the AWS SDK (@aws-sdk/*) without it"


class NodeFamily:
    """Implements `Family`."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def provide(self, entry: Entry) -> Provision:
        self._bring_node(entry)
        selected = self._select(entry)
        sdk = self._sdk(entry)
        client = self._client(entry)  # after the SDK, which is waited for: compiling takes all there is
        program, mounts = selection.placed(selected.interpreter)
        spec = RuntimeSpec(
            name=entry.identifier,
            boot=Boot.WAIT,
            argv=(program, *FLAGS, BOOTSTRAP, "--wait"),
            exec_argv=(program, *FLAGS, BOOTSTRAP),
            runtime_dir=node.runtime_dir(self._workshop.store, sdk, client),
            mounts=mounts,
            environment=tuple(entry.environment.items()),
            is_framed=True,
        )
        version = selection.runtime_version(selected.interpreter, 1)
        is_busy = self._workshop.background.is_busy()
        is_settled = not is_busy and (sdk, client) == (self._sdk(entry), self._client(entry))
        return Provision(runtime=selected.provided(entry, spec, version), is_settled=is_settled)

    def status(self, entry: Entry) -> RuntimeStatus:
        shop = self._workshop
        if self._can_bring_node(entry):
            return RuntimeStatus(
                identifier=entry.identifier,
                runnable=True,
                version=entry.version,
                client=self._client_status(entry),
                interpreter="installed by npm on first use",
            )
        mend = SDK_ADVICE if shop.tools.missing("npm") and not shop.store.find(node.sdk_key(entry.sdk)) else ""
        return selection.status(entry, lambda: self._select(entry), client=self._client_status(entry), mend=mend)

    # Node itself

    def _found(self) -> list[Interpreter]:
        brought = tuple(sorted(self._workshop.store.root.glob("node[0-9][0-9]/bin")))
        return self._workshop.finder.find(Kind.NODE, brought)

    def _select(self, entry: Entry) -> selection.Selection:
        return selection.select(
            entry,
            self._found(),
            oldest=OLDEST,
            strict=self._workshop.options.strict_runtimes,
            advice=f"install Node.js {entry.version}, or npm, with which Ramuda does that itself",
        )

    def _can_bring_node(self, entry: Entry) -> bool:
        shop = self._workshop
        if not shop.options.install or shop.tools.missing("npm"):
            return False
        return not any(interpreter.is_exactly(entry.wanted) for interpreter in self._found())

    def _bring_node(self, entry: Entry) -> None:
        """Installs the wanted version if this machine has not got it. Another stands in if that fails."""
        if not self._can_bring_node(entry):
            return
        shop = self._workshop
        shop.log("runtime.installing", what="Node.js", version=entry.version)
        try:
            node.install_node(shop.store, shop.tools, entry.wanted[0])
        except PortError as e:
            shop.log("runtime.install_failed", what="Node.js", version=entry.version, error=str(e))

    # The SDK and AWS's client

    def _sdk(self, entry: Entry) -> Path | None:
        shop = self._workshop
        found = shop.store.find(node.sdk_key(entry.sdk))
        if found is not None:
            return found / "node_modules"
        if not shop.options.install or shop.tools.missing("npm"):
            return None
        install = shop.background.begin(
            f"AWS SDK for JavaScript {entry.sdk}", lambda: node.install_sdk(shop.store, shop.tools, entry.sdk)
        )
        try:
            return install.result(timeout=shop.options.node_sdk_wait_s)
        except (PortError, WaitedLongEnough):
            return None

    def _client(self, entry: Entry) -> Path | None:
        """AWS's client, if it was compiled; begins to compile it if it can be."""
        shop = self._workshop
        if shop.options.node_client == "own":
            return None
        found = shop.store.find(node.client_key(entry.client))
        if found is None and shop.options.install and not node.missing_for_client(shop.tools):
            shop.background.begin(entry.client, lambda: self._compile(entry))
        return found

    def _compile(self, entry: Entry) -> Path:
        shop = self._workshop
        prefixes = (interpreter.prefix for interpreter in self._found())
        headers = next((prefix for prefix in prefixes if (prefix / "include/node/node_api.h").exists()), None)
        return node.compile_client(shop.store, shop.tools, entry.client, headers)

    def _client_status(self, entry: Entry) -> str:
        shop = self._workshop
        if shop.options.node_client == "own":
            return "Ramuda's own"
        if shop.store.find(node.client_key(entry.client)):
            return f"{entry.client}, installed"
        missing = node.missing_for_client(shop.tools)
        if missing or not shop.options.install:
            needs = f" needs {', '.join(missing)}: {node.COMPILERS_ADVICE}" if missing else " is not installed"
            return f"Ramuda's own; {entry.client}{needs}"
        return f"{entry.client}, compiled in the background on first use; Ramuda's own until then"
