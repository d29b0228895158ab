"""What `ramuda doctor` says about one runtime."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeStatus:
    """Whether functions of `identifier` can run here, and on what.

    `interpreter` and `version` are what was found, empty where none is needed or none was. `exact` is False when
    another version of the family stands in. `client` says which runtime client serves it and whether it is installed
    yet. `mend` says what to do about what is missing; empty when nothing is."""

    identifier: str
    runnable: bool
    interpreter: str = ""
    version: str = ""
    exact: bool = True
    client: str = ""
    mend: str = ""
