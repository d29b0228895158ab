"""Options of the invoke room."""

import msgspec

from ramuda.kernel import limits


class Options(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    concurrent_executions: int = limits.CONCURRENT_EXECUTIONS
    """The account's concurrency, per account and region."""
