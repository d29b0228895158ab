"""Options of the invoke room: how much may run, and how fast it may grow. AWS's values are the defaults."""

import msgspec


class Options(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Limits of invocation. How many may run at once is `services.lambda_.Options.account_concurrency`.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html and
    https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html"""

    requests_per_concurrency: float = 10.0
    """Synchronous requests a second that each unit of concurrency allows: of the account's for a function without a
    reservation, of its own for one that has some, of the provisioned for what runs there."""
    scaling_environments: int = 1000
    """So many environments a function may get within `scaling_period_s`; what was used comes back bit by bit."""
    scaling_period_s: float = 10.0
    provision_together: int = 4
    """Environments of provisioned concurrency that one version starts at the same time."""
    provision_again_s: float = 1.0
    """After a provisioned environment could not be started, the next is tried so much later; twice that after the
    next failure, and so on."""
    provision_again_max_s: float = 300.0
