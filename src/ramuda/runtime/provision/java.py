"""/var/runtime of Java: AWS's runtime client, which Maven fetches from Maven Central."""

from collections.abc import Callable
from pathlib import Path

from ramuda.kernel.errors import PortError
from ramuda.runtime.provision import clients
from ramuda.runtime.provision.store import Store
from ramuda.runtime.provision.tools import Tools

ADVICE = "install Maven (`apt install maven`), which fetches AWS's Java runtime client"


def key() -> str:
    return f"java-{clients.content('java')}"


def runtime_dir(store: Store, tools: Tools, *, may_install: bool, log: Callable[..., None]) -> Path:
    """The folder that is /var/runtime of every Java. Raises PortError with what to do."""

    def fill(folder: Path) -> None:
        if not may_install:
            raise PortError("AWS's Java runtime client is not installed, and installing is off")
        if tools.missing("mvn"):
            raise PortError(f"AWS's Java runtime client is not installed; {ADVICE}")
        log("runtime.installing", what="aws-lambda-java-runtime-interface-client")
        clients.copy("java", folder)
        tools.run(
            ["mvn", "--batch-mode", "--quiet", "dependency:copy-dependencies", f"-DoutputDirectory={folder / 'lib'}"],
            what="installing AWS's Java runtime client",
            cwd=folder,
        )
        (folder / "pom.xml").unlink()

    return store.ensure(key(), fill)
