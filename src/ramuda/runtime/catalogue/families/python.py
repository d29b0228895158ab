"""Python: forked from a template that has AWS's client (awslambdaric) and boto3 imported."""

from pathlib import Path

from ramuda.kernel.ports.sandbox import Boot, Mount, RuntimeSpec
from ramuda.runtime.catalogue import selection
from ramuda.runtime.catalogue.entry import Entry
from ramuda.runtime.catalogue.workshop import Provision, RuntimeStatus, Workshop
from ramuda.runtime.interpreters import Kind, choose
from ramuda.runtime.provision import python

OLDEST = (3, 8)  # of awslambdaric
PRELOAD = (
    *("asyncio", "base64", "concurrent.futures", "dataclasses", "decimal", "hashlib", "hmac", "http.client", "random"),
    *(
        "ssl",
        "urllib.request",
        "uuid",
        "boto3",
        "botocore.args",
        "botocore.auth",
        "botocore.client",
        "botocore.endpoint",
    ),
    *("botocore.httpsession", "botocore.parsers", "botocore.session", "botocore.signers", "botocore.waiter"),
)
"""What most functions import, or what boto3 imports when it makes its first client."""
BOOTSTRAP = "/var/runtime/bootstrap.py"


class PythonFamily:
    """Implements `Family`."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def provide(self, entry: Entry) -> Provision:
        selected = self._select(entry)
        interpreter = selected.interpreter
        shop = self._workshop
        folder = python.runtime_dir(shop.store, shop.tools, interpreter, may_install=shop.options.install, log=shop.log)
        program, mounts = selection.placed(interpreter)
        spec = RuntimeSpec(
            name=entry.identifier,
            boot=Boot.FORK,
            argv=(program,),
            exec_argv=(program, BOOTSTRAP),
            runtime_dir=folder,
            mounts=(*mounts, *self._hidden_packages(selected)),
            environment=tuple(entry.environment.items()),
            is_framed=True,
            preload=PRELOAD,
        )
        version = selection.runtime_version(interpreter, 2)
        return Provision(runtime=selected.provided(entry, spec, version))

    def status(self, entry: Entry) -> RuntimeStatus:
        return selection.status(entry, lambda: self._select(entry), client=self._client_status(entry))

    def _client_status(self, entry: Entry) -> str:
        chosen = choose(self._workshop.finder.find(Kind.PYTHON), entry.wanted)
        is_installed = chosen is not None and self._workshop.store.find(python.key(chosen)) is not None
        return f"awslambdaric and boto3, {'installed' if is_installed else 'installed on first use'}"

    def _select(self, entry: Entry) -> selection.Selection:
        return selection.select(
            entry,
            self._workshop.finder.find(Kind.PYTHON),
            oldest=OLDEST,
            strict=self._workshop.options.strict_runtimes,
            advice=f"install it with `uv python install {entry.version}` or `pyenv install {entry.version}`",
        )

    def _hidden_packages(self, selected: selection.Selection) -> list[Mount]:
        """Packages that somebody installed on this machine are none of the function's: it finds what AWS provides and
        what it brings."""
        empty = self._workshop.store.ensure("empty", lambda _: None)
        places = [path for path in selected.interpreter.package_dirs if self._is_shown(path)]
        return [Mount(host=empty, inside=selection.inside(path, selected.interpreter)) for path in places]

    def _is_shown(self, path: Path) -> bool:
        return path.is_dir() and not path.is_relative_to("/usr/local")
