"""Errors that AWS answered, each with a call that provokes it: by the name of the recording, as `(operation,
parameters, error)`. They hold in account `ACCOUNT`, where `test_lambda_recorded_errors` has put what they speak of: a
function `f` with version 1 and alias `live`, a layer `l` with version 1 and a statement `s1`, a code signing
configuration."""

from dataclasses import dataclass
from typing import Any

ACCOUNT, REGION = "171717171717", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
CSC_PLACEHOLDER = "the code signing configuration that is there"
NO_CSC = f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-00000000000000000"
KINESIS = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t/stream/2025-11-25T02:47:20.000"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
UUID = "14e0db71-5d35-4eb5-b481-8945cf9d10c2"
RUNTIMES = (
    "[nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, "
    "python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, "
    "java11, dotnet6, nodejs18.x, provided.al2, java8.al2]"
)
URL_QUALIFIER = r"((?!^\d+$)^[0-9a-zA-Z-_]+$)"
QUALIFIER = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"


@dataclass(frozen=True)
class Error:
    status: int
    code: str
    message: str
    is_typed: bool = True

    def body(self, member: str) -> dict[str, Any]:
        """As boto3 shows it; `member` is `message` or `Message`."""
        typed = {"Type": "User"} if self.is_typed else {}
        return {"Error": {"Code": self.code, "Message": self.message}, member: self.message, **typed}


def arn(name: str, qualifier: str | None = None) -> str:
    text = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    return f"{text}:{qualifier}" if qualifier else text


def layer(name: str, version: int) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{name}:{version}"


def missing(message: str, *, is_typed: bool = True) -> Error:
    return Error(404, "ResourceNotFoundException", message, is_typed)


def invalid(message: str, *, is_typed: bool = True) -> Error:
    return Error(400, "InvalidParameterValueException", message, is_typed)


def unfit(value: str, path: str, constraint: str) -> Error:
    return Error(
        400,
        "ValidationException",
        f"1 validation error detected: Value {value} at '{path}' failed to satisfy constraint: {constraint}",
    )


def unlike(value: str, path: str, pattern: str) -> Error:
    return unfit(f"'{value}'", path, f"Member must satisfy regular expression pattern: {pattern}")


def stale(what: str) -> Error:
    return Error(
        412,
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. "
        f"Call the {what} API to retrieve the latest Revision Id",
    )


def bad_runtime(name: str) -> Error:
    return invalid(
        f"Value {name} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: {RUNTIMES} "
        "or be a valid ARN"
    )


def bad_environment(text: str) -> Error:
    return invalid(
        "Lambda was unable to configure your environment variables because the environment variables you have provided "
        f"exceeded the 4KB limit. String measured: {text}"
    )


NOT_THERE = missing("The resource you requested does not exist.")
NO_FUNCTION = missing("Function does not exist")
NO_POLICY = missing("No policy is associated with the given resource.")
MISMATCH = invalid("The derived qualifier from the function name does not match the specified qualifier.")
NO_SIGNING = missing(f"The Lambda code signing configuration {NO_CSC} can not be found.", is_typed=False)
SIGNING_GONE = Error(
    404,
    "CodeSigningConfigNotFoundException",
    f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {NO_CSC}.",
)
BAD_ROLE = unlike("r1", "role", r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")
BAD_POSITION = unfit(
    "'invalid'", "startingPosition", "Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"
)
NO_POSITION = invalid(
    "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
    "Member must not be null."
)
NO_VERSION_TAGS = invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
TOO_MANY_TAGS = invalid("Number of tags exceeds resource tag limit.")
LATEST_PROVISIONED = invalid("The function resource provided must be an alias or a published version.")
UNRESERVED = invalid(
    "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
    "below its minimum value of [100].",
    is_typed=False,
)
NEW = {
    "FunctionName": "new",
    "Runtime": "python3.11",
    "Handler": "app.handler",
    "Role": ROLE,
    "Code": {"ZipFile": b"x"},
}
F: dict[str, Any] = {"FunctionName": "f"}
NOWHERE: dict[str, Any] = {"FunctionName": "doesnotexist"}
L: dict[str, Any] = {"LayerName": "l", "VersionNumber": 1}
READS_LAYER = {"StatementId": "s2", "Action": "lambda:GetLayerVersion", "Principal": "*"}
INVOKES = {"StatementId": "s1", "Action": "lambda:InvokeFunction", "Principal": "logs.amazonaws.com"}
PROVISION = {"ProvisionedConcurrentExecutions": 1}
TAGS = {str(number): "" for number in range(51)}
LONG = "x" * 4065

Row = tuple[str, dict[str, Any], Error]


def _url_rows() -> list[Row]:
    """Of the four operations on the URL of a function; only some look for the function first."""
    rows: list[Row] = []
    for verb in ("create", "get", "update", "delete"):
        operation, more = f"{verb}_function_url_config", {"AuthType": "NONE"} if verb == "create" else {}
        absent = NO_FUNCTION if verb in ("create", "update") else NOT_THERE
        rows += [
            (operation, {**more, **NOWHERE}, absent),
            (operation, {**more, "FunctionName": arn("doesnotexist")}, absent),
            (operation, {**more, **F, "Qualifier": "doesnotexist"}, absent),
            *(
                (operation, {**more, "FunctionName": name, "Qualifier": it}, unlike(it, "qualifier", URL_QUALIFIER))
                for name, it in (("doesnotexist", "1"), ("f", "$LATEST"), ("f", "1"), ("f", "2"))
            ),
        ]
        if verb != "create":
            rows.append((operation, F, NOT_THERE))
        if verb != "delete":
            rows.append((operation, {**more, "FunctionName": arn("f", "live"), "Qualifier": "another"}, MISMATCH))
    return rows


def _provisioned_rows() -> list[Row]:
    rows: list[Row] = []
    for verb in ("get", "put", "delete"):
        operation, more = f"{verb}_provisioned_concurrency_config", PROVISION if verb == "put" else {}
        rows += [
            (
                operation,
                {**more, "FunctionName": name, "Qualifier": qualifier},
                missing(f"{said}: {arn(name, qualifier)}"),
            )
            for name, qualifier, said in (
                ("doesnotexist", "noalias", "Cannot find alias arn"),
                ("f", "noalias", "Cannot find alias arn"),
                ("doesnotexist", "1", "Function not found"),
                ("f", "10", "Function not found"),
            )
        ]
    return rows


RECORDED: dict[str, list[Row]] = {
    "alias_lifecycle": [
        ("get_function", {**F, "Qualifier": "no"}, missing(f"Function not found: {arn('f', 'no')}")),
        ("get_function", {"FunctionName": arn("f", "no")}, missing(f"Function not found: {arn('f', 'no')}")),
    ],
    "alias_naming": [
        (
            "create_alias",
            {**F, "Name": "2024", "FunctionVersion": "1"},
            unlike("2024", "name", "(?!^[0-9]+$)([a-zA-Z0-9-_]+)"),
        )
    ],
    "code_signing_not_found_excs": [
        ("delete_code_signing_config", {"CodeSigningConfigArn": NO_CSC}, NO_SIGNING),
        ("get_code_signing_config", {"CodeSigningConfigArn": NO_CSC}, NO_SIGNING),
        ("list_functions_by_code_signing_config", {"CodeSigningConfigArn": NO_CSC}, NO_SIGNING),
        ("update_code_signing_config", {"CodeSigningConfigArn": NO_CSC}, NO_SIGNING),
        ("update_code_signing_config", {"CodeSigningConfigArn": NO_CSC, "Description": "d"}, NO_SIGNING),
        ("put_function_code_signing_config", {**F, "CodeSigningConfigArn": NO_CSC}, SIGNING_GONE),
        ("put_function_code_signing_config", {**NOWHERE, "CodeSigningConfigArn": NO_CSC}, SIGNING_GONE),
        *(
            (
                f"{verb}_function_code_signing_config",
                {**NOWHERE, **more},
                missing(f"Function not found: {arn('doesnotexist')}"),
            )
            for verb, more in (("get", {}), ("delete", {}), ("put", {"CodeSigningConfigArn": CSC_PLACEHOLDER}))
        ),
    ],
    "create_event_source_validation": [
        ("create_event_source_mapping", {**F, "EventSourceArn": TABLE}, NO_POSITION),
        ("create_event_source_mapping", {**F, "EventSourceArn": TABLE, "StartingPosition": "invalid"}, BAD_POSITION),
        (
            "create_event_source_mapping",
            {**F, "EventSourceArn": TABLE, "StartingPosition": "AT_TIMESTAMP"},
            invalid(f"Unsupported starting position for arn type: {TABLE}"),
        ),
    ],
    "create_event_source_validation_kinesis": [
        ("create_event_source_mapping", {**F, "EventSourceArn": KINESIS}, NO_POSITION),
        ("create_event_source_mapping", {**F, "EventSourceArn": KINESIS, "StartingPosition": "invalid"}, BAD_POSITION),
    ],
    "create_lambda_exceptions": [
        ("create_function", {**NEW, "Role": "r1"}, BAD_ROLE),
        ("create_function", {**NEW, "Runtime": "non-existent-runtime"}, bad_runtime("non-existent-runtime")),
        ("create_function", {**NEW, "Runtime": "PYTHON3.9"}, bad_runtime("PYTHON3.9")),
        (
            "create_function",
            {**NEW, "Architectures": ["x86_64", "arm64"]},
            unfit("'[x86_64, arm64]'", "architectures", "Member must have length less than or equal to 1"),
        ),
        (
            "create_function",
            {**NEW, "Architectures": ["X86_64"]},
            unfit(
                "'[X86_64]'",
                "architectures",
                "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], "
                "Member must not be null]",
            ),
        ),
        (
            "create_function",
            NEW,
            invalid("Could not unzip uploaded file. Please check your file, then try to upload again."),
        ),
    ],
    "event_source_mapping_default_batch_size": [
        (
            "create_event_source_mapping",
            {**F, "EventSourceArn": QUEUE, "BatchSize": 20},
            invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"),
        ),
    ],
    "event_source_mapping_exceptions": [
        ("get_event_source_mapping", {"UUID": UUID}, NOT_THERE),
        ("delete_event_source_mapping", {"UUID": UUID}, NOT_THERE),
        ("update_event_source_mapping", {"UUID": UUID, "Enabled": False}, NOT_THERE),
        ("create_event_source_mapping", F, invalid("Unrecognized event source.")),
        (
            "create_event_source_mapping",
            {**NOWHERE, "EventSourceArn": TABLE, "StartingPosition": "LATEST"},
            invalid("Function does not exist"),
        ),
        (
            "create_event_source_mapping",
            {**F, "EventSourceArn": QUEUE, "DestinationConfig": {"OnFailure": {"Destination": QUEUE}}},
            invalid("Unsupported DestinationConfig parameter for given event source mapping type."),
        ),
    ],
    "function_concurrency_exceptions": [
        *(
            (
                "put_function_concurrency",
                {**NOWHERE, "ReservedConcurrentExecutions": reserved},
                missing(f"Function not found: {arn('doesnotexist', '$LATEST')}"),
            )
            for reserved in (1, 100_000)
        ),
        (
            "put_function_concurrency",
            {"FunctionName": arn("f", "1"), "ReservedConcurrentExecutions": 1},
            invalid(
                "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
                "operation. Please specify either a function name or an unqualified function ARN."
            ),
        ),
    ],
    "function_concurrency_limits": [
        ("put_function_concurrency", {**F, "ReservedConcurrentExecutions": reserved}, UNRESERVED)
        for reserved in (1001, 901)
    ],
    "function_revisions_basic": [
        ("update_function_code", {**F, "RevisionId": "wrong", "ZipFile": b"x"}, stale("GetFunction/GetAlias")),
        ("update_function_configuration", {**F, "RevisionId": "wrong", "Timeout": 4}, stale("GetFunction/GetAlias")),
    ],
    "function_revisions_permissions": [
        ("add_permission", {**F, **INVOKES, "RevisionId": "wrong"}, stale("GetPolicy")),
    ],
    "function_revisions_version_and_alias": [
        ("publish_version", {**F, "RevisionId": "wrong"}, stale("GetFunction/GetAlias")),
        ("update_alias", {**F, "Name": "live", "RevisionId": "wrong"}, stale("GetFunction/GetAlias")),
    ],
    "invalid_vpc_config_subnet": [
        (
            "create_function",
            {**NEW, "VpcConfig": {"SubnetIds": ["bad-format"], "SecurityGroupIds": ["sg-1"]}},
            unfit(
                "'[bad-format]'",
                "vpcConfig.subnetIds",
                "Member must satisfy constraint: [Member must have length less than or equal to 1024, "
                "Member must have length greater than or equal to 0, "
                "Member must satisfy regular expression pattern: subnet-[0-9a-z]*]",
            ),
        ),
    ],
    "invoke_exceptions": [
        ("invoke", NOWHERE, missing(f"Function not found: {arn('doesnotexist', '$LATEST')}")),
    ],
    "lambda_eventinvokeconfig_lifecycle": [
        (
            "get_function_event_invoke_config",
            {**F, "Qualifier": "1"},
            missing(f"The function {arn('f', '1')} doesn't have an EventInvokeConfig"),
        ),
    ],
    "lambda_permission_fn_versioning": [
        ("get_policy", {**F, "Qualifier": "1"}, NOT_THERE),
        ("add_permission", {**F, **INVOKES, "Qualifier": "live", "RevisionId": "wrong"}, stale("GetPolicy")),
    ],
    "lambda_provisioned_lifecycle": [
        (
            "get_provisioned_concurrency_config",
            {**F, "Qualifier": "1"},
            Error(
                404,
                "ProvisionedConcurrencyConfigNotFoundException",
                "No Provisioned Concurrency Config found for this function",
            ),
        ),
    ],
    "lambda_zip_file_to_image": [
        (
            "update_function_code",
            {**F, "ImageUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/i:1"},
            invalid("Please don't provide ImageUri when updating a function with packageType Zip."),
        ),
    ],
    "large_environment_variables_fails": [
        (
            "create_function",
            {**NEW, "Environment": {"Variables": {"LARGE_VAR": LONG + "x" * 16}}},
            bad_environment(f'{{"LARGE_VAR":"{LONG}{"x" * 16}"}}'),
        ),
    ],
    "large_environment_fails_multiple_keys": [
        (
            "create_function",
            {**NEW, "Environment": {"Variables": {"SMALL_VAR": "ok", "LARGE_VAR": LONG}}},
            bad_environment(f'{{"SMALL_VAR":"ok","LARGE_VAR":"{LONG}"}}'),
        ),
    ],
    "layer_function_quota_exception": [
        (
            "create_function",
            {**NEW, "Layers": [layer(f"l{number}", 1) for number in range(6)]},
            invalid("Cannot reference more than 5 layers."),
        ),
    ],
    "layer_policy_exceptions": [
        (
            "add_layer_version_permission",
            {**L, **READS_LAYER, "Action": "*"},
            unlike("*", "action", "lambda:GetLayerVersion"),
        ),
        (
            "add_layer_version_permission",
            {**L, **READS_LAYER, "StatementId": "s1"},
            Error(
                409,
                "ResourceConflictException",
                "The statement id (s1) provided already exists. Please provide a new statement id, or remove the "
                "existing statement.",
            ),
        ),
        ("add_layer_version_permission", {**L, **READS_LAYER, "RevisionId": "wrong"}, stale("GetLayerPolicy")),
        (
            "remove_layer_version_permission",
            {**L, "StatementId": "s1", "RevisionId": "wrong"},
            stale("GetLayerPolicy"),
        ),
        (
            "remove_layer_version_permission",
            {**L, "StatementId": "doesnotexist"},
            missing("Statement doesnotexist is not found in resource policy."),
        ),
        ("get_layer_version_policy", {"LayerName": "open", "VersionNumber": 1}, NO_POLICY),
        *(
            (
                f"{verb}",
                {"LayerName": name, "VersionNumber": version, **more},
                missing(f"Layer version {layer(name, version)} does not exist."),
            )
            for verb, more in (
                ("add_layer_version_permission", READS_LAYER),
                ("get_layer_version_policy", {}),
                ("remove_layer_version_permission", {"StatementId": "s1"}),
            )
            for name, version in (("l-doesnotexist", 1), ("l", 2))
        ),
    ],
    "list_functions": [
        (
            "list_functions",
            {"FunctionVersion": "invalid"},
            unfit("'invalid'", "functionVersion", "Member must satisfy enum value set: [ALL]"),
        ),
    ],
    "non_existent_alias_update": [
        ("update_alias", {**F, "Name": "non-existent"}, missing(f"Alias not found: {arn('f', 'non-existent')}")),
    ],
    "ops_on_nonexisting_fn": [
        *(
            (operation, NOWHERE, missing(f"Function not found: {arn('doesnotexist')}"))
            for operation in (
                "delete_function",
                "get_function",
                "get_function_code_signing_config",
                "get_function_concurrency",
                "get_function_configuration",
            )
        ),
        (
            "get_function_event_invoke_config",
            NOWHERE,
            missing(f"The function {arn('doesnotexist', '$LATEST')} doesn't have an EventInvokeConfig"),
        ),
        ("get_function_url_config", NOWHERE, NOT_THERE),
    ],
    "ops_with_arn_qualifier_mismatch": [
        *(
            (operation, {"FunctionName": arn("some-function", "1"), "Qualifier": "$LATEST"}, MISMATCH)
            for operation in ("delete_function", "get_function", "get_function_configuration")
        ),
        *(
            (
                operation,
                {"FunctionName": arn("some-function", "$LATEST"), "Qualifier": "$LATEST"},
                missing(f"Function not found: {arn('some-function', '$LATEST')}"),
            )
            for operation in ("get_function", "get_function_configuration")
        ),
        (
            "delete_function",
            {"FunctionName": arn("some-function", "$LATEST"), "Qualifier": "$LATEST"},
            invalid("$LATEST version cannot be deleted without deleting the function."),
        ),
    ],
    "permission_exceptions": [
        (
            "add_permission",
            {**F, **INVOKES, "StatementId": "example.com"},
            unlike("example.com", "statementId", "([a-zA-Z0-9-_]+)"),
        ),
        (
            "add_permission",
            {**F, **INVOKES, "Principal": "invalid.nonaws.com"},
            invalid("The provided principal was invalid. Please check the principal and try again."),
        ),
        ("add_permission", {**NOWHERE, **INVOKES}, missing(f"Function not found: {arn('doesnotexist')}")),
        (
            "add_permission",
            {**F, **INVOKES, "StatementId": "s3"},
            Error(
                409,
                "ResourceConflictException",
                "The statement id (s3) provided already exists. Please provide a new statement id, or remove the "
                "existing statement.",
            ),
        ),
        (
            "add_permission",
            {**F, **INVOKES, "Qualifier": "invalid-qualifier-with-?-char"},
            unlike("invalid-qualifier-with-?-char", "qualifier", QUALIFIER),
        ),
        (
            "add_permission",
            {**F, **INVOKES, "Qualifier": "valid-with-$-but-doesnotexist"},
            missing(f"Function not found: {arn('f', 'valid-with-$-but-doesnotexist')}"),
        ),
        ("add_permission", {**F, **INVOKES, "Qualifier": "42"}, missing(f"Function not found: {arn('f', '42')}")),
        (
            "add_permission",
            {**F, **INVOKES, "Qualifier": "no"},
            missing(f"Cannot find alias arn: {arn('f', 'no')}"),
        ),
        (
            "add_permission",
            {**F, **INVOKES, "Qualifier": "$LATEST"},
            invalid("We currently do not support adding policies for $LATEST."),
        ),
        ("add_permission", {**INVOKES, "FunctionName": arn("f", "live"), "Qualifier": "42"}, MISMATCH),
        ("get_policy", NOWHERE, NOT_THERE),
        ("get_policy", {**F, "Qualifier": "42"}, NOT_THERE),
        ("remove_permission", {**NOWHERE, "StatementId": "s"}, missing(f"No policy found for: {arn('doesnotexist')}")),
        ("remove_permission", {"FunctionName": "g", "StatementId": "s"}, NO_POLICY),
        (
            "remove_permission",
            {**F, "StatementId": "s", "Qualifier": "no"},
            missing(f"Cannot find alias arn: {arn('f', 'no')}"),
        ),
    ],
    "provisioned_concurrency_exceptions": [
        *_provisioned_rows(),
        ("get_provisioned_concurrency_config", {**F, "Qualifier": "$LATEST"}, LATEST_PROVISIONED),
        ("delete_provisioned_concurrency_config", {**F, "Qualifier": "$LATEST"}, LATEST_PROVISIONED),
        (
            "put_provisioned_concurrency_config",
            {**F, **PROVISION, "Qualifier": "$LATEST"},
            invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions."),
        ),
        (
            "put_provisioned_concurrency_config",
            {**F, "Qualifier": "1", "ProvisionedConcurrentExecutions": 0},
            unfit("'0'", "provisionedConcurrentExecutions", "Member must have value greater than or equal to 1"),
        ),
        ("list_provisioned_concurrency_configs", NOWHERE, missing(f"Function not found: {arn('doesnotexist')}")),
    ],
    "provisioned_concurrency_limits": [
        (
            "put_provisioned_concurrency_config",
            {**F, "Qualifier": "1", "ProvisionedConcurrentExecutions": 1001},
            invalid(
                "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000].",
                is_typed=False,
            ),
        ),
        (
            "put_provisioned_concurrency_config",
            {**F, "Qualifier": "1", "ProvisionedConcurrentExecutions": 901},
            invalid(
                "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
                "its minimum value of [100].",
                is_typed=False,
            ),
        ),
    ],
    "snapstart_exceptions": [
        (
            "create_function",
            {**NEW, "SnapStart": {"ApplyOn": "invalidOption"}},
            unfit(
                "'invalidOption'", "snapStart.applyOn", "Member must satisfy enum value set: [PublishedVersions, None]"
            ),
        ),
    ],
    "tag_limits": [
        ("tag_resource", {"Resource": arn("f"), "Tags": TAGS}, TOO_MANY_TAGS),
        ("create_function", {**NEW, "Tags": TAGS}, TOO_MANY_TAGS),
    ],
    "tag_versions": [
        ("tag_resource", {"Resource": arn("f", qualifier), "Tags": {"a": "b"}}, NO_VERSION_TAGS)
        for qualifier in ("1", "$LATEST")
    ],
    "update_lambda_exceptions": [
        ("update_function_configuration", {**F, "Role": "r1"}, BAD_ROLE),
        *(
            ("update_function_configuration", {**F, "Runtime": name}, bad_runtime(name))
            for name in ("non-existent-runtime", "PYTHON3.9")
        ),
    ],
    "url_config_exceptions": _url_rows(),
}
