"""/var/runtime of Python: AWS's runtime client (awslambdaric) and boto3, per version of Python.

For the version that runs Ramuda itself they are linked from Ramuda's own environment, where they are dependencies: no
network, a second. For others pip (or uv) installs them; awslambdaric's releases say which Python they are for.
"""

import importlib.metadata
import importlib.util
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from ramuda.kernel.errors import PortError
from ramuda.runtime.interpreters import Interpreter
from ramuda.runtime.provision import clients
from ramuda.runtime.provision.store import Store, link_file
from ramuda.runtime.provision.tools import Tools

DISTRIBUTIONS = ("awslambdaric", "boto3")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9._-]+)([^;]*)(;.*)?")


def key(interpreter: Interpreter) -> str:
    """Names the folder: Python's version, and what is in it."""
    major, minor = interpreter.version[:2]
    own = _own_versions() if _is_own_version(interpreter) else "latest"
    return f"python{major}.{minor}-{clients.digest(own, clients.content('python'))}"


def runtime_dir(
    store: Store, tools: Tools, interpreter: Interpreter, *, may_install: bool, log: Callable[..., None]
) -> Path:
    """The folder that is /var/runtime for this interpreter. Raises PortError with what to do."""

    def fill(folder: Path) -> None:
        if _is_own_version(interpreter):
            for distribution in _own_closure():
                _link_distribution(distribution, folder)
        elif may_install:
            log("runtime.installing", what="awslambdaric and boto3", version=interpreter.version_text)
            _install(tools, interpreter, folder)
        else:
            raise PortError(
                f"awslambdaric for Python {interpreter.version_text} is not installed, and installing is off"
            )
        clients.copy("python", folder)
        compile_all = [str(interpreter.executable), "-m", "compileall", "-q", "-d", "/var/runtime"]
        tools.run([*compile_all, str(folder)], what="compiling awslambdaric and boto3")

    return store.ensure(key(interpreter), fill)


def _is_own_version(interpreter: Interpreter) -> bool:
    return interpreter.version[:2] == sys.version_info[:2]


def _own_versions() -> str:
    return " ".join(f"{name}=={importlib.metadata.version(name)}" for name in DISTRIBUTIONS)


def _own_closure() -> Iterator[importlib.metadata.Distribution]:
    """The distributions and all they require, extras left out."""
    seen: set[str] = set()
    wanted = list(DISTRIBUTIONS)
    while wanted:
        name = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # a requirement of another platform or Python
        yield distribution
        for requirement in distribution.requires or ():
            match = _REQUIREMENT.match(requirement)
            if match and "extra ==" not in (match[3] or ""):
                wanted.append(match[1])


def _link_distribution(distribution: importlib.metadata.Distribution, folder: Path) -> None:
    for file in distribution.files or ():
        if ".." in file.parts or file.suffix == ".pth":  # scripts, outside of site-packages
            continue
        source = Path(str(distribution.locate_file(file)))
        target = folder / file
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            link_file(source, target)


def _install(tools: Tools, interpreter: Interpreter, folder: Path) -> None:
    major, minor = interpreter.version[:2]
    what = f"installing awslambdaric and boto3 for Python {major}.{minor}"
    options = [
        "--target",
        str(folder),
        "--python-version",
        f"{major}.{minor}",
        "--only-binary",
        ":all:",
        *DISTRIBUTIONS,
    ]
    if importlib.util.find_spec("pip") is not None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-compile", "--retries", "1"]
        tools.run([*pip, *options], what=what)
    elif shutil.which("uv"):
        tools.run(["uv", "pip", "install", "--quiet", *options], what=what)
    else:
        raise PortError(f"{what}: neither pip nor uv is there; install one of them beside Ramuda")
