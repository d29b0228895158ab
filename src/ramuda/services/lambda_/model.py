"""What Lambda keeps: functions, their versions, layers.

A function has one `Version` called `$LATEST`, which changes, and numbered ones, which never do. What a version runs
is its `Deployment`: settings and code together. While an update is in progress, and after one that failed, the
version still *serves* the deployment it had before (`Version.serving`).

Records are stored as JSON of these classes; `schema` is the version of that form.
Source: https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from ramuda.kernel import limits
from ramuda.kernel.arn import function_arn

LATEST = "$LATEST"

State: TypeAlias = Literal["Pending", "Active", "Failed"]
UpdateStatus: TypeAlias = Literal["InProgress", "Successful", "Failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRef:
    """A container image as the caller named it, and so that it is the same for good."""

    uri: str
    resolved_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRef:
    """A stored archive. `sha256` is hexadecimal and names the blobs; AWS shows it in base64. Sizes in bytes.

    With `folder` it is no archive but a folder of this machine (`live_folders`); `sha256` is then its path's."""

    sha256: str
    size: int
    unzipped_bytes: int
    folder: str | None = None
    image: ImageRef | None = None
    """The code is a container image; `sha256` is its manifest's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerUse:
    """A layer version as a function refers to it."""

    arn: str
    code: CodeRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Logging:
    """LoggingConfig. Levels are None under the Text format."""

    format: Literal["Text", "JSON"] = "Text"
    group: str
    application_level: str | None = None
    system_level: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The configuration of a function, description apart.

    `environment` is None where the user never gave one (AWS then shows none), and where its KMS key is not at hand:
    then `sealed_environment` has it as it lies on the disk. `shown` are members that are checked,
    kept and shown but change nothing here (VpcConfig, DeadLetterConfig, KMSKeyArn, FileSystemConfigs, SnapStart ...),
    shaped as in the service model.
    """

    runtime: str
    handler: str
    role: str
    timeout_s: int = limits.TIMEOUT_S_DEFAULT
    memory_mib: int = limits.MEMORY_MIB_DEFAULT
    tmp_mib: int = limits.TMP_MIB_DEFAULT
    architecture: str = "x86_64"
    environment: dict[str, str] | None = None
    sealed_environment: str | None = None
    layers: tuple[LayerUse, ...] = ()
    logging: Logging
    tracing: Literal["Active", "PassThrough"] = "PassThrough"
    has_way_out: bool = True
    image_config: dict[str, Any] | None = None
    shown: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Settings and code: what an invocation runs. `revision_id` names the change that brought it."""

    settings: Settings
    code: CodeRef
    revision_id: str

    def same_as(self, other: "Deployment") -> bool:
        """Whether both run the same, whenever they were made."""
        return self.settings == other.settings and self.code == other.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a function, `$LATEST` or a number.

    `previous` is what still serves while `update_status` is not Successful. `source_description` is the description
    that `$LATEST` had when this version was published.
    """

    schema: int = 1
    account: str
    region: str
    name: str
    version: str
    revision_id: str
    description: str = ""
    source_description: str = ""
    deployment: Deployment
    previous: Deployment | None = None
    last_modified: str
    state: State = "Pending"
    state_reason: str | None = None
    state_reason_code: str | None = None
    update_status: UpdateStatus | None = None
    update_reason: str | None = None
    update_reason_code: str | None = None
    is_optimized: bool = False
    """Whether its environments are restored from a snapshot: SnapStart's OptimizationStatus."""

    @property
    def arn(self) -> str:
        """Qualified for every version but `$LATEST`."""
        return function_arn(self.account, self.region, self.name, None if self.version == LATEST else self.version)

    @property
    def number(self) -> int:
        """0 for `$LATEST`: the order in which ListVersionsByFunction shows them."""
        return 0 if self.version == LATEST else int(self.version)

    @property
    def unsettled(self) -> bool:
        """Whether a transition is still to come."""
        return self.state == "Pending" or self.update_status == "InProgress"

    @property
    def serving(self) -> Deployment | None:
        """What an invocation runs now; None while there is nothing to run."""
        if self.state != "Active":
            return None
        return self.deployment if self.update_status == "Successful" else self.previous


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """What belongs to a function as a whole. `last_version` is the highest number ever published."""

    schema: int = 1
    account: str
    region: str
    name: str
    last_version: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    reserved_concurrency: int | None = None
    recursive_loop: str = "Terminate"
    code_signing_config_arn: str | None = None
    runtime_management: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return function_arn(self.account, self.region, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerVersion:
    """A version of a layer; immutable."""

    schema: int = 1
    account: str
    region: str
    name: str
    version: int
    code: CodeRef
    description: str = ""
    license: str | None = None
    runtimes: tuple[str, ...] | None = None
    architectures: tuple[str, ...] | None = None
    created_date: str

    @property
    def layer_arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:layer:{self.name}"

    @property
    def arn(self) -> str:
        return f"{self.layer_arn}:{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcePolicy:
    """The resource policy of a function, a version or alias of it (`qualifier`, empty for the function itself), or a
    layer version (`qualifier` is its number). `statements` are as GetPolicy shows them; `language` and `policy_id` are
    the Version and Id of the document, which PutResourcePolicy sets (None: it has no Id)."""

    schema: int = 1
    account: str
    region: str
    name: str
    qualifier: str
    revision_id: str
    statements: tuple[dict[str, Any], ...]
    language: str = "2012-10-17"
    policy_id: str | None = "default"

    @property
    def document(self) -> dict[str, Any]:
        """The policy, its members in AWS's order."""
        identified = {} if self.policy_id is None else {"Id": self.policy_id}
        return {"Version": self.language, **identified, "Statement": list(self.statements)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSigningConfig:
    """Whose signatures on code are trusted (`profile_arns`, versions of signing profiles), and what becomes of other
    code: it is taken with a warning, or not at all."""

    schema: int = 1
    account: str
    region: str
    config_id: str
    description: str | None = None
    profile_arns: tuple[str, ...]
    on_untrusted: Literal["Warn", "Enforce"] = "Warn"
    last_modified: str

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:code-signing-config:{self.config_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A name for one version, or for two of which the second gets a share of the invocations (`routing`: version to
    weight between 0 and 1, one entry at most)."""

    schema: int = 1
    account: str
    region: str
    name: str
    alias: str
    version: str
    description: str = ""
    routing: dict[str, float] = field(default_factory=dict)
    revision_id: str

    @property
    def arn(self) -> str:
        return function_arn(self.account, self.region, self.name, self.alias)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedConcurrency:
    """So many environments (`requested`) shall be started ahead for a version, or for the versions that an alias
    points at."""

    schema: int = 1
    account: str
    region: str
    name: str
    qualifier: str
    requested: int
    last_modified: str

    @property
    def arn(self) -> str:
        return function_arn(self.account, self.region, self.name, self.qualifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventInvokeConfig:
    """Settings of asynchronous invocation of `$LATEST`, a version or an alias (`qualifier`); None where not set.
    Destinations are ARNs; `last_modified_s` is seconds since the epoch."""

    schema: int = 1
    account: str
    region: str
    name: str
    qualifier: str
    retries: int | None = None
    age_s: int | None = None
    on_success: str | None = None
    on_failure: str | None = None
    last_modified_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """The key that seals environment variables for one KMS key, as KMS encrypted it (base64)."""

    schema: int = 1
    account: str
    region: str
    key_arn: str
    ciphertext: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionUrl:
    """The URL of a function or, with a `qualifier`, of an alias. `cors` and `invoke_mode` are None where they were not
    given; `cors` is shaped as in the service model."""

    schema: int = 1
    account: str
    region: str
    name: str
    qualifier: str = ""
    url_id: str
    auth_type: Literal["NONE", "AWS_IAM"]
    invoke_mode: Literal["BUFFERED", "RESPONSE_STREAM"] | None = None
    cors: dict[str, Any] | None = None
    creation_time: str
    last_modified_time: str

    @property
    def function_arn(self) -> str:
        return function_arn(self.account, self.region, self.name, self.qualifier or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceTags:
    """The tags of what is not a function (those of a function are its own). `resource` is the ARN's last part:
    `code-signing-config:csc-...`, `event-source-mapping:UUID`."""

    schema: int = 1
    account: str
    region: str
    resource: str
    tags: dict[str, str]


MappingState: TypeAlias = Literal["Creating", "Enabling", "Enabled", "Disabling", "Disabled", "Updating", "Deleting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMapping:
    """What is polled for a function. `settings` are members of EventSourceMappingConfiguration as AWS shows them.
    `processing_result` is LastProcessingResult once there is one."""

    schema: int = 1
    account: str
    region: str
    uuid: str
    function_name: str
    qualifier: str | None = None
    is_enabled: bool = True
    settings: dict[str, Any]
    starting_at_s: float | None = None
    state: MappingState = "Creating"
    last_modified_s: float
    processing_result: str | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:event-source-mapping:{self.uuid}"

    @property
    def function_arn(self) -> str:
        return function_arn(self.account, self.region, self.function_name, self.qualifier)
