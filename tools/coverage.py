"""Writes docs/coverage.md: which operations of AWS's APIs Ramuda serves itself, against botocore's models.

    python tools/coverage.py           write the page
    python tools/coverage.py --check   exit with 1 when the page is not what would be written

The operations are asked of the services themselves; their parts are stand-ins, because none is used for that.
"""

import importlib
import inspect
import pkgutil
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import botocore.session
import msgspec

from ramuda import services
from ramuda.kernel.call import Service
from ramuda.kernel.clock import Clock, SystemClock
from ramuda.kernel.ids import Ids, RandomIds
from ramuda.services.lambda_.effects import EFFECTS

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "coverage.md"
FEW = 40
INTRODUCTION = """\
# Coverage of AWS's APIs

Written by `make docs` from the services' own lists of operations; do not edit. What a service's operations do and leave
out stands at the top of its package, linked below. Every AWS service that is not listed here is *delegated*: to the
endpoint configured for it (`ramuda serve --endpoint SERVICE=URL`), else to moto's server, started on first use.
"""


def native_services() -> list[tuple[str, Service]]:
    """Package name and service, of every package in `ramuda.services`."""
    found = []
    for package in pkgutil.iter_modules(services.__path__):
        factory = importlib.import_module(f"{services.__name__}.{package.name}").service
        required = [p for p in inspect.signature(factory).parameters.values() if p.default is inspect.Parameter.empty]
        positional = [_stand_in(p) for p in required if p.kind is not inspect.Parameter.KEYWORD_ONLY]
        named = {p.name: _stand_in(p) for p in required if p.kind is inspect.Parameter.KEYWORD_ONLY}
        found.append((package.name, factory(*positional, **named)))
    return sorted(found, key=lambda pair: pair[1].name)


def _stand_in(parameter: inspect.Parameter) -> Any:
    """Options as they are by default, the real clock and ids; anything for the rest."""
    wanted = parameter.annotation
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        return wanted()
    return {Clock: SystemClock(), Ids: RandomIds()}.get(wanted) or MagicMock()


def page() -> str:
    loader = botocore.session.get_session()
    overview, details = [], []
    for package, service in native_services():
        model = loader.get_service_model(service.name)
        native = [name for name in model.operation_names if name in service.operations]
        rest = "delegated" if service.delegate_rest else 'answered "not supported"'
        anchor = service.name.replace(" ", "-")
        overview.append(f"| [{service.name}](#{anchor}) | {len(native)} of {len(model.operation_names)} | {rest} |")
        full_name, source = model.metadata["serviceFullName"], f"../src/ramuda/services/{package}/__init__.py"
        details += [
            f"\n## {service.name}\n",
            f"{full_name}: [`services/{package}`]({source})\n",
            _names(native),
            *_missing([name for name in model.operation_names if name not in service.operations], rest),
        ]
        if service.name == "lambda":
            details += _effects()
    table = ["| service | operations served here | the others |", "|---|---|---|", *overview]
    return "\n".join([INTRODUCTION, *table, *details]) + "\n"


def _names(operations: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(operations))


def _missing(operations: list[str], rest: str) -> list[str]:
    """The operations of a service that is nearly whole, by name."""
    return [f"\nThe others are {rest}: {_names(operations)}"] if 0 < len(operations) <= FEW else []


def _effects() -> list[str]:
    """What each setting of a function does."""
    rows = [f"| `{name}` | {text} |" for name, text in sorted(EFFECTS.items())]
    return ["\n### What a function's settings do here\n", "| setting | effect |", "|---|---|", *rows]


def main() -> int:
    written = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(written)
        return 0
    if PAGE.exists() and PAGE.read_text() == written:
        return 0
    print("docs/coverage.md is not up to date; write it again with: make docs")
    return 1


if __name__ == "__main__":
    sys.exit(main())
