"""What can be configured of the Lambda API."""

from typing import Literal, TypeAlias

import msgspec

from ramuda.invoke.pollers.options import Options as PollerOptions
from ramuda.invoke.queue.options import Options as EventOptions
from ramuda.kernel import limits

RoleCheck: TypeAlias = Literal["auto", "always", "never"]
VpcEgress: TypeAlias = Literal["auto", "open", "none"]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the Lambda API."""

    role_check: RoleCheck = "auto"
    """Whether CreateFunction looks the execution role up in IAM. `auto`: once IAM is in use (a role was made or an
    IAM endpoint is configured); before that every well-formed role ARN is taken."""
    role_cache_s: float = 5.0
    """How long a role found good is not looked up again."""
    vpc_egress: VpcEgress = "auto"
    """Whether functions in a VPC reach more than the platform's endpoint. `auto`: what the route tables of their
    subnets say (a NAT gateway is a way out), where EC2 is in use; else yes."""
    account_concurrency: int = limits.CONCURRENT_EXECUTIONS
    """Concurrent executions of one account and region, as GetAccountSettings shows it."""
    recursion_limit: int = limits.RECURSION_LIMIT
    """How often a function may be entered in one chain of requests before the next invocation is stopped, unless its
    recursion config is Allow."""
    code_storage_bytes: int = limits.CODE_STORAGE_BYTES
    """What the code of all versions and layers of one account and region may add up to."""
    live_code_bucket: str = "hot-reload"
    """S3Bucket with which CreateFunction and UpdateFunctionCode take S3Key as a folder of this machine, whose edits
    run at the next invocation (`live_folders`). Empty turns that off."""
    live_code_roots: tuple[str, ...] | None = None
    """Folders below which code may be taken so. None: everywhere, but nowhere under --auth, where who calls need not
    be who may read this machine's files."""
    other_accounts: bool | None = None
    """Whether functions may have roles of other accounts, read their queues, and send records of events to their
    queues, topics, buses and functions: what those accounts' own policies say of it is not looked at. None: yes, but
    not under --auth."""
    organization_id: str = ""
    """The organization (`o-...`) that all accounts of this server belong to, for policies that let one in
    (`aws:PrincipalOrgID`). Empty: they belong to none."""
    code_link_s: float = 600.0
    """How long the download link of GetFunction and GetLayerVersion works."""
    unpack_workers: int = 2
    """Archives unpacked at the same time."""
    events: EventOptions = EventOptions()
    """Asynchronous invocation."""
    pollers: PollerOptions = PollerOptions()
    """Reading the sources of event source mappings."""
