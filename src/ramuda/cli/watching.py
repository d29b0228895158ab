"""`ramuda deploy --watch`: the same again whenever a file changes."""

from collections.abc import Callable
from pathlib import Path

from watchfiles import watch

from ramuda.cli import bundle, screen
from ramuda.cli.connection import Connection, told_plainly
from ramuda.cli.outcome import Failure

QUIET_MS, STEP_MS = 100, 20
"""An editor writes a file in several steps: deployed is what has been quiet for so long, looked at in such steps."""
IDLE_MS = 1_000


def repeat(deploy: Callable[[], None], source: Path, connection: Connection) -> None:
    """Calls `deploy` now and after every change below `source`, until it is interrupted. What goes wrong later is
    shown, and the next change tries again. Version control, caches and installed packages are not watched
    (watchfiles' default filter)."""
    known = bundle.stamps(source)
    deploy()
    is_told = False
    for changes in watch(
        source, debounce=QUIET_MS, step=STEP_MS, rust_timeout=IDLE_MS, yield_on_timeout=True, raise_interrupt=False
    ):
        if not is_told:
            screen.remark(f"watching {source}; Ctrl-C ends it")
            is_told = True
        found = bundle.stamps(source)
        if found == known:
            continue
        known = found
        screen.remark(f"changed: {', '.join(sorted({Path(path).name for _, path in changes})) or source}")
        try:
            with told_plainly(connection):
                deploy()
        except Failure as e:
            e.show()
