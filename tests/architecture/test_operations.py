"""Every operation of the Lambda API is served, and an acceptance test compares its whole answer, or it is one of those
that are left out on purpose, which say so."""

import ast
from functools import cache
from pathlib import Path

from botocore import xform_name
from botocore.loaders import Loader

from ramuda.services.lambda_.api import bind
from tests.acceptance.unsupported import LEFT_OUT

ACCEPTANCE = Path(__file__).resolve().parents[1] / "acceptance"

WHOLE = {
    "test_lambda_versions.py::test_a_function_is_created_shown_and_updated": (
        "CreateFunction",
        "GetFunction",
        "GetFunctionConfiguration",
        "UpdateFunctionConfiguration",
        "UpdateFunctionCode",
        "DeleteFunction",
    ),
    "test_lambda_versions.py::test_functions_are_listed_with_all_their_versions_or_without": ("ListFunctions",),
    "test_lambda_versions.py::test_a_version_is_published_shown_listed_and_deleted": (
        "PublishVersion",
        "ListVersionsByFunction",
    ),
    "test_lambda_versions.py::test_code_counts_against_the_accounts_storage": ("GetAccountSettings",),
    "test_lambda_versions.py::test_the_runtime_update_mode_is_kept_for_each_version": (
        "PutRuntimeManagementConfig",
        "GetRuntimeManagementConfig",
    ),
    "test_lambda_versions.py::test_tags_are_of_functions_and_not_of_versions": (
        "TagResource",
        "ListTags",
        "UntagResource",
    ),
    "test_lambda_aliases.py::test_an_alias_lives_from_creation_to_deletion": (
        "CreateAlias",
        "GetAlias",
        "ListAliases",
        "UpdateAlias",
        "DeleteAlias",
    ),
    "test_lambda_policies.py::test_permissions_make_up_a_policy": ("AddPermission", "GetPolicy", "RemovePermission"),
    "test_lambda_policies.py::test_a_whole_document_is_put_read_and_deleted": (
        "PutResourcePolicy",
        "GetResourcePolicy",
        "DeleteResourcePolicy",
    ),
    "test_lambda_layer_sharing.py::test_a_layer_version_is_answered_as_recorded": (
        "PublishLayerVersion",
        "GetLayerVersion",
        "GetLayerVersionByArn",
        "ListLayerVersions",
        "DeleteLayerVersion",
    ),
    "test_lambda_layer_sharing.py::test_a_layers_policy_is_answered_as_recorded": (
        "AddLayerVersionPermission",
        "GetLayerVersionPolicy",
        "RemoveLayerVersionPermission",
    ),
    "test_lambda_code_signing.py::test_a_configuration_and_its_function_are_answered_as_recorded": (
        "CreateCodeSigningConfig",
        "UpdateCodeSigningConfig",
        "GetCodeSigningConfig",
        "DeleteCodeSigningConfig",
        "PutFunctionCodeSigningConfig",
        "GetFunctionCodeSigningConfig",
        "DeleteFunctionCodeSigningConfig",
        "ListFunctionsByCodeSigningConfig",
    ),
    "test_lambda_concurrency.py::test_reserved_concurrency_is_put_shown_and_taken_away": (
        "PutFunctionConcurrency",
        "GetFunctionConcurrency",
        "DeleteFunctionConcurrency",
    ),
    "test_lambda_concurrency.py::test_provisioned_concurrency_as_recorded": (
        "PutProvisionedConcurrencyConfig",
        "DeleteProvisionedConcurrencyConfig",
    ),
    "test_lambda_concurrency.py::test_environments_are_really_started_ahead_and_used_first": (
        "GetProvisionedConcurrencyConfig",
        "ListProvisionedConcurrencyConfigs",
    ),
    "test_lambda_recursion.py::test_a_recursion_setting_is_kept_and_shown": (
        "GetFunctionRecursionConfig",
        "PutFunctionRecursionConfig",
    ),
    "test_lambda_event_invoke_configs.py::test_the_life_of_a_config_is_as_recorded": (
        "PutFunctionEventInvokeConfig",
        "UpdateFunctionEventInvokeConfig",
        "GetFunctionEventInvokeConfig",
        "ListFunctionEventInvokeConfigs",
        "DeleteFunctionEventInvokeConfig",
    ),
    "test_function_urls.py::test_a_url_configuration_is_made_read_changed_listed_and_deleted": (
        "CreateFunctionUrlConfig",
        "GetFunctionUrlConfig",
        "UpdateFunctionUrlConfig",
        "ListFunctionUrlConfigs",
        "DeleteFunctionUrlConfig",
    ),
    "test_lambda_whole_lists.py::test_layers_are_listed_with_their_newest_version_in_pages": ("ListLayers",),
    "test_lambda_whole_lists.py::test_code_signing_configurations_are_listed_in_pages": ("ListCodeSigningConfigs",),
    "test_lambda_whole_mappings.py::test_a_mapping_is_made_read_listed_changed_and_deleted": (
        "CreateEventSourceMapping",
        "GetEventSourceMapping",
        "ListEventSourceMappings",
        "UpdateEventSourceMapping",
        "DeleteEventSourceMapping",
    ),
    "test_lambda_whole_invocations.py::test_an_answer_is_shown_with_the_version_that_ran": ("Invoke",),
    "test_lambda_whole_invocations.py::test_the_old_way_to_send_an_event_is_accepted_too": ("InvokeAsync",),
    "test_lambda_whole_invocations.py::test_a_stream_is_its_chunks_and_how_it_ended": ("InvokeWithResponseStream",),
}
"""The test that compares the operation's whole answer, with all its members and its status."""


def _served() -> set[str]:
    return set(bind(None))  # type: ignore[arg-type]  # only the names are of interest


@cache
def _tree(file: str) -> ast.Module:
    return ast.parse((ACCEPTANCE / file).read_text())


def _tests(file: str) -> set[str]:
    return {node.name for node in ast.walk(_tree(file)) if isinstance(node, ast.FunctionDef)}


def _calls(file: str) -> set[str]:
    """What its tests and fixtures use of clients."""
    return {node.attr for node in ast.walk(_tree(file)) if isinstance(node, ast.Attribute)}


def test_every_operation_is_served_or_left_out_on_purpose() -> None:
    model = Loader().load_service_model("lambda", "service-2")
    assert set(model["operations"]) == _served() | set(LEFT_OUT)
    assert _served() & set(LEFT_OUT) == set()


def test_every_operation_that_is_served_has_a_test_of_its_whole_answer() -> None:
    tested = [operation for operations in WHOLE.values() for operation in operations]
    assert sorted(tested) == sorted(_served())


def test_the_tests_named_here_are_there_and_use_the_operations() -> None:
    absent = [where for where in WHOLE if where.split("::")[1] not in _tests(where.split("::")[0])]
    assert absent == []
    unused = [
        f"{where} {operation}"
        for where, operations in WHOLE.items()
        for operation in operations
        if xform_name(operation) not in _calls(where.split("::")[0])
    ]
    assert unused == []
