"""Which interpreter runs a runtime, and where it appears in the sandbox (pure)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.kernel.ports.sandbox import Mount, RuntimeSpec
from ramuda.runtime.catalogue.entry import Entry
from ramuda.runtime.catalogue.workshop import RuntimeStatus
from ramuda.runtime.interpreters import Interpreter, choose

LANG = "/var/lang"
"""Where Lambda has the runtime's interpreter."""
_SHOWN, _HIDDEN = Path("/usr"), Path("/usr/local")
"""Sandboxes show the host's /usr, without /usr/local."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """`note` says what stands in for what, when `exact` is False."""

    interpreter: Interpreter
    exact: bool
    note: str

    def provided(self, entry: Entry, spec: RuntimeSpec, runtime_version: str) -> ProvidedRuntime:
        """What the catalogue answers."""
        return ProvidedRuntime(
            identifier=entry.identifier,
            spec=spec,
            runtime_version=runtime_version,
            exact=self.exact,
            note=self.note,
        )


def select(
    entry: Entry, found: Iterable[Interpreter], *, oldest: tuple[int, ...], strict: bool, advice: str
) -> Selection:
    """The interpreter for the runtime. `oldest` is the least version that can run the client; `advice` says how to
    get the exact one. Raises PortError when there is none, or with `strict` no exact one."""
    chosen = choose((each for each in found if each.version >= oldest), entry.wanted)
    if chosen is None:
        raise PortError(f"{entry.identifier}: no {entry.family} interpreter was found on this machine; {advice}")
    if chosen.is_exactly(entry.wanted):
        return Selection(interpreter=chosen, exact=True, note="")
    there = f"{entry.family} {chosen.version_text}"
    if strict:
        raise PortError(f"{entry.identifier}: {entry.family} {entry.version} was not found, only {there}; {advice}")
    note = f"{entry.family} {entry.version} was not found on this machine: {entry.identifier} runs on {there}; {advice}"
    return Selection(interpreter=chosen, exact=False, note=note)


def status(entry: Entry, select: Callable[[], Selection], *, client: str, mend: str = "") -> RuntimeStatus:
    """What `ramuda doctor` says of a runtime whose client is there, or can be had."""
    try:
        selected = select()
    except PortError as e:
        return RuntimeStatus(identifier=entry.identifier, runnable=False, client=client, mend=str(e))
    return RuntimeStatus(
        identifier=entry.identifier,
        runnable=True,
        interpreter=str(selected.interpreter.executable),
        version=selected.interpreter.version_text,
        exact=selected.exact,
        client=client,
        mend="; ".join(filter(None, (selected.note, mend))),
    )


def runtime_version(interpreter: Interpreter, parts: int) -> str:
    """As INIT_START shows it: `python:3.11.v7`. `parts` of the version name the runtime, the next is the release."""
    version = ".".join(map(str, interpreter.version[:parts]))
    return f"{interpreter.kind.value}:{version}.v{interpreter.version[parts]}"


def placed(interpreter: Interpreter) -> tuple[str, tuple[Mount, ...]]:
    """The interpreter's path inside a sandbox, and what must be mounted for it to be there."""
    program, prefix = interpreter.executable, interpreter.prefix
    if program.is_relative_to(_SHOWN) and not program.is_relative_to(_HIDDEN):
        return str(program), ()
    return f"{LANG}/{program.relative_to(prefix)}", (Mount(host=prefix, inside=LANG),)


def inside(path: Path, interpreter: Interpreter) -> str:
    """Where a folder of the interpreter's installation appears."""
    _, mounts = placed(interpreter)
    return f"{LANG}/{path.relative_to(interpreter.prefix)}" if mounts else str(path)
