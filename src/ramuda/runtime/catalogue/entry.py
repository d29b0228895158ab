"""What the catalogue's files say: one TOML a runtime, named after its identifier, and `retired.toml`.

Source of the environment variables:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

Family = Literal["python", "nodejs", "ruby", "java", "provided", "dotnet"]


class Entry(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One runtime. `version` is the interpreter's (`3.12`), empty where none is needed. `client` and `sdk` are the npm
    versions of AWS's client and of the SDK's packages (Node.js). `unsupported` says why it cannot run here."""

    identifier: str = ""
    family: Family
    version: str
    client: str = ""
    sdk: str = ""
    unsupported: str = ""
    environment: dict[str, str] = {}

    @property
    def wanted(self) -> tuple[int, ...]:
        """The version as numbers."""
        return tuple(map(int, self.version.split("."))) if self.version else ()


@cache
def entries() -> dict[str, Entry]:
    """By identifier: families together, older versions first."""
    read = []
    for file in files(__package__).iterdir():
        if file.name.endswith(".toml") and file.name != "retired.toml":
            entry = msgspec.toml.decode(file.read_bytes(), type=Entry)
            read.append(msgspec.structs.replace(entry, identifier=file.name.removesuffix(".toml")))
    read.sort(key=lambda entry: (entry.family, entry.wanted, entry.identifier))
    return {entry.identifier: entry for entry in read}


@cache
def retired() -> dict[str, str]:
    """What to do instead, by identifier."""
    groups = msgspec.toml.decode((files(__package__) / "retired.toml").read_bytes(), type=dict[str, str])
    return {identifier: advice for names, advice in groups.items() for identifier in names.split()}
