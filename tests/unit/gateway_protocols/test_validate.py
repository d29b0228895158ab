"""AWS's framework validation, sentence by sentence. Those marked recorded are answers of AWS itself."""

from typing import Any

import pytest

from ramuda.gateway.constraints import uncheckable_patterns
from ramuda.gateway.java_patterns import compile_java
from ramuda.gateway.validate import validate
from ramuda.kernel.errors import ApiError
from tests.unit.gateway_protocols.requests import models, operation

ROLE = "arn:aws:iam::111111111111:role/r"
CREATE: dict[str, Any] = {"FunctionName": "f", "Role": ROLE, "Code": {"ZipFile": b"zip"}}


def _complaint(service: str, name: str, params: dict[str, Any]) -> str:
    with pytest.raises(ApiError) as caught:
        validate(operation(service, name), params)
    assert (caught.value.code, caught.value.status) == ("ValidationException", 400)
    assert caught.value.message is not None
    return caught.value.message


def _one(constraint: str) -> str:
    return f"1 validation error detected: {constraint}"


@pytest.mark.parametrize(
    ("name", "params", "sentence"),
    [
        (
            "PutProvisionedConcurrencyConfig",
            {"FunctionName": "f", "Qualifier": "1", "ProvisionedConcurrentExecutions": 0},
            "Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1",
        ),
        (
            "GetFunctionUrlConfig",
            {"FunctionName": "f", "Qualifier": "$LATEST"},
            "Value '$LATEST' at 'qualifier' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)",
        ),
        (
            "CreateFunction",
            CREATE | {"Role": "r1"},
            "Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: "
            r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+",
        ),
        (
            "CreateFunction",
            CREATE | {"Architectures": ["x86_64", "arm64"]},
            "Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: "
            "Member must have length less than or equal to 1",
        ),
        (
            "CreateFunction",
            CREATE | {"Architectures": ["X86_64"]},
            "Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: "
            "[Member must satisfy enum value set: [x86_64, arm64], Member must not be null]",
        ),
        (
            "CreateFunction",
            CREATE | {"VpcConfig": {"SubnetIds": ["bad-id"]}},
            "Value '[bad-id]' at 'vpcConfig.subnetIds' failed to satisfy constraint: Member must satisfy constraint: "
            "[Member must have length less than or equal to 1024, Member must have length greater than or equal to 0, "
            "Member must satisfy regular expression pattern: subnet-[0-9a-z]*]",
        ),
        (
            "CreateFunction",
            CREATE | {"SnapStart": {"ApplyOn": "invalidOption"}},
            "Value 'invalidOption' at 'snapStart.applyOn' failed to satisfy constraint: "
            "Member must satisfy enum value set: [PublishedVersions, None]",
        ),
        (
            "ListFunctions",
            {"FunctionVersion": "invalid"},
            "Value 'invalid' at 'functionVersion' failed to satisfy constraint: "
            "Member must satisfy enum value set: [ALL]",
        ),
        (
            "AddLayerVersionPermission",
            {"LayerName": "l", "VersionNumber": 1, "StatementId": "s", "Action": "*", "Principal": "*"},
            "Value '*' at 'action' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: lambda:GetLayerVersion",
        ),
        (
            "CreateEventSourceMapping",
            {"FunctionName": "f", "StartingPosition": "invalid"},
            "Value 'invalid' at 'startingPosition' failed to satisfy constraint: "
            "Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]",
        ),
        (
            "CreateAlias",
            {"FunctionName": "f", "Name": "2024", "FunctionVersion": "1"},
            "Value '2024' at 'name' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)",
        ),
        (
            "AddPermission",
            {"FunctionName": "f", "StatementId": "example.com", "Action": "lambda:InvokeFunction", "Principal": "*"},
            "Value 'example.com' at 'statementId' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_lambdas_recorded_sentences(name: str, params: dict[str, Any], sentence: str) -> None:
    assert _complaint("lambda", name, params) == _one(sentence)


def test_several_violations_are_joined_and_counted_as_recorded() -> None:
    name = "This should fail with two errors 123467890123412341234123412341234"
    params = {"Name": name, "AuthorizationType": "INVALID", "AuthParameters": {}}
    assert _complaint("events", "CreateConnection", params) == (
        f"3 validation errors detected: Value '{name}' at 'name' failed to satisfy constraint: "
        rf"Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+; Value '{name}' at 'name' "
        "failed to satisfy constraint: Member must have length less than or equal to 64; "
        "Value 'INVALID' at 'authorizationType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [BASIC, OAUTH_CLIENT_CREDENTIALS, API_KEY]"
    )


def test_a_member_of_a_list_of_structures_is_named_by_its_number_as_recorded() -> None:
    params = {"Rule": "r", "Targets": [{"Id": "!@#$@!#$", "Arn": "arn:aws:sqs:us-east-1:111111111111:q"}]}
    assert _complaint("events", "PutTargets", params) == _one(
        "Value '!@#$@!#$' at 'targets.1.member.id' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+"
    )


def test_required_members_are_missed_in_the_models_order() -> None:
    assert _complaint("lambda", "CreateFunction", {}) == (
        "3 validation errors detected: "
        "Value null at 'functionName' failed to satisfy constraint: Member must not be null; "
        "Value null at 'role' failed to satisfy constraint: Member must not be null; "
        "Value null at 'code' failed to satisfy constraint: Member must not be null"
    )


def test_the_keys_of_a_sensitive_map_are_judged_without_being_shown() -> None:
    params = CREATE | {"Environment": {"Variables": {"bad-key": "secret"}}}
    assert _complaint("lambda", "CreateFunction", params) == _one(
        "Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: "
        "[Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"
    )


def test_null_in_a_list_is_a_violation() -> None:
    assert "Member must not be null]" in _complaint("lambda", "CreateFunction", CREATE | {"Layers": [None]})
    params = {"Rule": "r", "Targets": [None]}
    assert _complaint("events", "PutTargets", params) == _one(
        "Value null at 'targets.1.member' failed to satisfy constraint: Member must not be null"
    )


def test_services_of_the_query_protocol_call_it_validation_error() -> None:
    with pytest.raises(ApiError) as caught:
        validate(operation("sts", "AssumeRole"), {"RoleArn": "x", "RoleSessionName": "session"})
    assert (caught.value.code, caught.value.message) == (
        "ValidationError",
        "1 validation error detected: Value 'x' at 'roleArn' failed to satisfy constraint: "
        "Member must have length greater than or equal to 20",
    )


def test_lambda_judges_its_runtimes_itself() -> None:
    validate(operation("lambda", "CreateFunction"), CREATE | {"Runtime": "non-existent-runtime"})


def test_a_service_may_have_its_own_code_for_a_violation() -> None:
    asked: list[tuple[str, ...]] = []

    def codes(*violation: str) -> str:
        asked.append(violation)
        return "InvalidParameterValueException"

    with pytest.raises(ApiError) as caught:
        validate(operation("lambda", "ListFunctions"), {"MaxItems": 0}, codes)
    assert caught.value.code == "InvalidParameterValueException"
    assert asked == [
        ("lambda", "ListFunctions", "maxItems", "Member must have value greater than or equal to 1"),
    ]


def test_recursive_and_documentless_input_is_valid() -> None:
    validate(operation("lambda", "GetAccountSettings"), {})
    validate(operation("lambda", "Invoke"), {"FunctionName": "f", "Payload": b"{}"})
    validate(operation("events", "PutEvents"), {"Entries": [{"Source": "s"}]})


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "Grün 漢字-1", "a\tb"),
        (r"\p{Lu}+", "ÄÖ", "aé"),
        (r"[\w-_]*", "a-_b", "é"),
        (r"\d+", "12", "\u0661"),
        (r"[^\s]+", "a.b", "a b"),
    ],
)
def test_javas_patterns_are_understood(pattern: str, fits: str, does_not: str) -> None:
    compiled = compile_java(pattern)
    assert compiled is not None
    assert compiled.fullmatch(fits)
    assert not compiled.fullmatch(does_not)


def test_a_pattern_that_python_cannot_say_is_not_checked() -> None:
    assert compile_java(r"\p{ASCII}*") is None
    model = models.service("stepfunctions")
    assert uncheckable_patterns(model.shape_for(name) for name in model.shape_names) == [r"\p{ASCII}*"]


@pytest.mark.parametrize("service", ["lambda", "logs", "cloudwatch", "sts", "sqs", "sns", "events"])
def test_no_pattern_of_a_native_service_goes_unchecked(service: str) -> None:
    model = models.service(service)
    assert uncheckable_patterns(model.shape_for(name) for name in model.shape_names) == []
