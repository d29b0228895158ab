"""`python -m ramuda.runtime.catalogue nodejs22.x python3.12`: installs ahead of time what the first functions of these
runtimes would wait for, AWS's compiled Node.js client included; without arguments, says how each runtime stands."""

import asyncio
import sys

from ramuda.kernel.errors import PortError
from ramuda.runtime.catalogue.catalogue import Catalogue
from ramuda.runtime.catalogue.options import Options, default_cache_dir


async def _install(catalogue: Catalogue, identifiers: list[str]) -> int:
    failures = 0
    for identifier in identifiers:
        try:
            await catalogue.provide(identifier)
            await catalogue.finish()
            runtime = await catalogue.provide(identifier)
        except PortError as e:
            failures += 1
            _say(str(e))
            continue
        _say(f"{identifier}: {runtime.runtime_version} {runtime.note}".rstrip())
    return failures


async def _report(catalogue: Catalogue) -> int:
    for status in await catalogue.survey():
        state = "runs" if status.runnable else "does not run"
        _say(f"{status.identifier:16} {state:13} {status.version:9} {status.client}  {status.mend}".rstrip())
    return 0


async def _main(identifiers: list[str]) -> int:
    catalogue = Catalogue(Options(cache_dir=default_cache_dir()), lambda event, **fields: _say(f"{event} {fields}"))
    try:
        return await (_install(catalogue, identifiers) if identifiers else _report(catalogue))
    finally:
        await catalogue.close()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(sys.argv[1:])))
