"""Makes a fork of the Python template look to the function like `python -m awslambdaric HANDLER`.

Everything that the runtime client imports is there already. What a process of its own would have read from its
environment at start is put right here. `sys.path` is Lambda's: the function's code, the layers' `python` folders,
then the runtime's own.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
import types
from typing import Any, NoReturn

from . import snapshot_python

CLIENT = "awslambdaric"
_LAZY = (CLIENT + ".lambda_literals",)
"""What the client imports only when it runs. Older clients have it not."""
_RUNTIME_DIR = "/var/runtime/"
_INSIDE = __name__.rpartition(".")[0]
_names_below: dict[str, list[str]] = {}
"""Modules to forget by their top-level name, found out in the template: looking through all modules in a fork would
copy every page that one of their names lies in."""


class Assigned(BaseException):
    """This process is a function's now. Raised through the frames that led here, so that none of them holds the
    function."""

    def __init__(self, assignment: dict[str, Any]) -> None:
        super().__init__()
        self.assignment = assignment


def preload(modules: list[str]) -> dict[str, list[str]]:
    """Imports the runtime client and `modules`. Answers the top-level names now loaded: those of the `standard`
    library, and the `added` ones that are not part of the client and can be forgotten."""
    importlib.import_module(CLIENT + ".__main__")
    for module in _LAZY:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    client = set(sys.modules)
    for module in modules:
        importlib.import_module(module)
    added = {name.partition(".")[0] for name in _third_party() if name not in client}
    for name in sys.modules:
        top = name.partition(".")[0]
        if top in added or top == _INSIDE:
            _names_below.setdefault(top, []).append(name)
    third_party = {name.partition(".")[0] for name in _third_party()}
    loaded = {name.partition(".")[0] for name in sys.modules}
    return {"standard": sorted(loaded - third_party), "added": sorted(added), "client": sorted(third_party - added)}


def _third_party() -> list[str]:
    return [
        name
        for name, module in sys.modules.items()
        if (getattr(module, "__file__", None) or "").startswith(_RUNTIME_DIR)
    ]


def run(assigned: dict[str, Any]) -> NoReturn:
    """Runs the function until its process ends. `assigned`: `env`, `handler`, and the top-level names to `forget`."""
    os.environ.clear()
    os.environ.update(assigned["env"])
    time.tzset()
    _renew_randomness()
    _arrange_imports(assigned["forget"])
    client = sys.modules[CLIENT + ".__main__"]
    _reread_logging_settings()
    if assigned["env"].get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        _wait_for_copies()
    sys.argv[:] = ["/var/runtime/bootstrap.py", assigned["handler"]]
    client.main(sys.argv)
    sys.exit(0)


def _renew_randomness() -> None:
    """`random` and `uuid` know about forks; OpenSSL tells them by the pid, and that is 2 in every sandbox."""
    ssl = sys.modules.get("ssl")
    if ssl is not None:
        ssl.RAND_add(os.urandom(32), 32.0)


def _wait_for_copies() -> None:
    runtime_client: Any = sys.modules[CLIENT + ".lambda_runtime_client"]
    base = getattr(runtime_client, "BaseLambdaRuntimeClient", runtime_client.LambdaRuntimeClient)
    base.restore_next = snapshot_python.restore_next


def _arrange_imports(forget: list[str]) -> None:
    layers = ["/opt/python/lib/python{}.{}/site-packages".format(*sys.version_info), "/opt/python"]
    sys.path[:] = ["/var/task", *layers, *sys.path]
    for top in (*forget, _INSIDE):
        for name in _names_below.get(top, ()):
            sys.modules.pop(name, None)
    sys.path_importer_cache.clear()
    sys.modules["__main__"] = types.ModuleType("__main__")


def _reread_logging_settings() -> None:
    """The client reads the format and the level when it is imported, and chooses by them how it logs an error. Text at
    every level is what the template read."""
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON" or "AWS_LAMBDA_LOG_LEVEL" in os.environ:
        importlib.reload(sys.modules[CLIENT + ".bootstrap"])
