"""Which runtime and handler a deployment package is meant for, by the names that AWS's own examples and tools use.

A current runtime of the family is chosen; for Python it is the version that runs this command, because that is what
packages installed beside the code were built for.
"""

import ast
import io
import re
import sys
import zipfile
from dataclasses import dataclass

from ramuda.kernel.errors import RamudaError

PYTHON_OFFERED = range(8, 16)  # minor versions, https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
NODE_RUNTIME, RUBY_RUNTIME, CUSTOM_RUNTIME = "nodejs22.x", "ruby3.4", "provided.al2023"
MODULES = ("lambda_function", "app", "main", "handler", "index")
HANDLERS = ("lambda_handler", "handler")
_NODE_EXTENSIONS = ("mjs", "js", "cjs")
_NODE_EXPORT = re.compile(r"(?:\bexports\.|\bexport\s+(?:const|let|var|(?:async\s+)?function\*?)\s+)(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    runtime: str
    handler: str


class NothingDetectedError(RamudaError):
    """The package holds no file that looks like a handler."""


def detect(package: bytes) -> Detected:
    """Reads the names at the top of the zip. Raises NothingDetectedError, zipfile.BadZipFile."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        names = set(archive.namelist())
        if "bootstrap" in names:
            return Detected(runtime=CUSTOM_RUNTIME, handler="bootstrap")
        for module in MODULES:
            if f"{module}.py" in names:
                return _python(module, archive.read(f"{module}.py"))
            for extension in _NODE_EXTENSIONS:
                if f"{module}.{extension}" in names:
                    return _node(module, archive.read(f"{module}.{extension}"))
            if f"{module}.rb" in names:
                return Detected(runtime=RUBY_RUNTIME, handler=f"{module}.lambda_handler")
    raise NothingDetectedError(
        "no bootstrap, lambda_function, app, main, handler or index (.py, .mjs, .js, .rb) at the top of the package"
    )


def _python(module: str, source: bytes) -> Detected:
    minor = min(max(sys.version_info.minor, PYTHON_OFFERED.start), PYTHON_OFFERED.stop - 1)
    return Detected(runtime=f"python3.{minor}", handler=f"{module}.{_first_known(_python_functions(source))}")


def _python_functions(source: bytes) -> set[str]:
    """Names bound at the top of a module. A module that does not parse has none; the runtime will say why."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assigned = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return functions | assigned


def _node(module: str, source: bytes) -> Detected:
    exported = set(_NODE_EXPORT.findall(source.decode(errors="replace")))
    known = [name for name in ("handler", "lambdaHandler", "lambda_handler") if name in exported]
    return Detected(runtime=NODE_RUNTIME, handler=f"{module}.{known[0] if known else 'handler'}")


def _first_known(names: set[str]) -> str:
    return next((name for name in HANDLERS if name in names), HANDLERS[0])
