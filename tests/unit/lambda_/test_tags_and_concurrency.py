"""Tags, reserved concurrency, and the small settings that Terraform reads."""

from typing import Any

from tests.unit.lambda_.harness import ACCOUNT, REGION, Lambda, arn


async def test_tags_are_kept_shown_and_taken_away(lambda_: Lambda) -> None:
    await lambda_.create(Tags={"a": "1"})
    assert (await lambda_("GetFunction", FunctionName="f"))["Tags"] == {"a": "1"}
    assert await lambda_("TagResource", Resource=arn("f"), Tags={"a": "2", "b": "3"}) == {}
    assert await lambda_("ListTags", Resource=arn("f")) == {"Tags": {"a": "2", "b": "3"}}
    assert await lambda_("UntagResource", Resource=arn("f"), TagKeys=["a", "never"]) == {}
    assert await lambda_("ListTags", Resource=arn("f")) == {"Tags": {"b": "3"}}
    await lambda_("UntagResource", Resource=arn("f"), TagKeys=["b"])
    assert "Tags" not in await lambda_("GetFunction", FunctionName="f")


async def test_tags_have_limits(lambda_: Lambda) -> None:
    await lambda_.create()
    many = {f"{i}_key": f"{i}_value" for i in range(51)}
    refused = await lambda_.refusal("TagResource", Resource=arn("f"), Tags=many)
    assert (refused.code, refused.message) == (
        "InvalidParameterValueException",
        "Number of tags exceeds resource tag limit.",
    )
    many.popitem()
    await lambda_("TagResource", Resource=arn("f"), Tags=many)
    refused = await lambda_.refusal("TagResource", Resource=arn("f"), Tags={"one": "more"})
    assert refused.message == "Number of tags exceeds resource tag limit."
    await lambda_("TagResource", Resource=arn("f"), Tags={"1_key": "changed"})
    refused = await lambda_.refusal("TagResource", Resource=arn("f"), Tags={})
    assert refused.message == "An error occurred and the request cannot be processed."
    for qualifier in ("1", "$LATEST"):
        refused = await lambda_.refusal("TagResource", Resource=arn("f", qualifier), Tags={"a": "b"})
        assert refused.message == (
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    refused = await lambda_.refusal("ListTags", Resource=arn("nope"))
    assert (refused.code, refused.message) == ("ResourceNotFoundException", f"Function not found: {arn('nope')}")


async def test_concurrency_is_reserved_and_given_back(lambda_: Lambda) -> None:
    await lambda_.create()
    assert await lambda_("GetFunctionConcurrency", FunctionName="f") == {}
    for reserved in (0, 900):
        shown: dict[str, Any] = {"ReservedConcurrentExecutions": reserved}
        assert await lambda_("PutFunctionConcurrency", FunctionName="f", **shown) == shown
        assert await lambda_("GetFunctionConcurrency", FunctionName="f") == shown
        assert (await lambda_("GetFunction", FunctionName="f"))["Concurrency"] == shown
        await lambda_("Invoke", FunctionName="f")
        assert lambda_.invoker.asked[-1].function.reserved_concurrency == reserved
    assert await lambda_("DeleteFunctionConcurrency", FunctionName="f") == {}
    assert await lambda_("GetFunctionConcurrency", FunctionName="f") == {}
    await lambda_("Invoke", FunctionName="f")
    assert lambda_.invoker.asked[-1].function.reserved_concurrency is None
    assert lambda_.reserved == [(ACCOUNT, REGION, "f", 0), (ACCOUNT, REGION, "f", 900), (ACCOUNT, REGION, "f", None)]


async def test_a_hundred_executions_stay_unreserved(lambda_: Lambda) -> None:
    for name in ("a", "b"):
        await lambda_.create(name)
    await lambda_("PutFunctionConcurrency", FunctionName="a", ReservedConcurrentExecutions=500)
    await lambda_("PutFunctionConcurrency", FunctionName="a", ReservedConcurrentExecutions=600)
    await lambda_("PutFunctionConcurrency", FunctionName="b", ReservedConcurrentExecutions=300)
    refused = await lambda_.refusal("PutFunctionConcurrency", FunctionName="b", ReservedConcurrentExecutions=301)
    assert (refused.code, refused.message, refused.members) == (
        "InvalidParameterValueException",
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
        "below its minimum value of [100].",
        {"Type": None},
    )


async def test_concurrency_is_of_functions_that_are_there(lambda_: Lambda) -> None:
    refused = await lambda_.refusal("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=9999)
    assert (refused.code, refused.message) == ("ResourceNotFoundException", f"Function not found: {arn('f')}:$LATEST")
    refused = await lambda_.refusal("GetFunctionConcurrency", FunctionName="f")
    assert refused.message == f"Function not found: {arn('f')}"
    refused = await lambda_.refusal(
        "PutFunctionConcurrency", FunctionName=arn("f", "1"), ReservedConcurrentExecutions=1
    )
    assert refused.message == (
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
        "Please specify either a function name or an unqualified function ARN."
    )


async def test_settings_without_effect_are_kept(lambda_: Lambda) -> None:
    await lambda_.create(Publish=True)
    assert await lambda_("GetFunctionCodeSigningConfig", FunctionName="f") == {}
    assert await lambda_("GetFunctionRecursionConfig", FunctionName="f") == {"RecursiveLoop": "Terminate"}
    await lambda_("PutFunctionRecursionConfig", FunctionName="f", RecursiveLoop="Allow")
    assert await lambda_("GetFunctionRecursionConfig", FunctionName="f") == {"RecursiveLoop": "Allow"}
    auto = {"UpdateRuntimeOn": "Auto", "FunctionArn": arn("f", "$LATEST")}
    assert await lambda_("GetRuntimeManagementConfig", FunctionName="f") == auto
    chosen = {"UpdateRuntimeOn": "FunctionUpdate", "FunctionArn": arn("f", "1")}
    assert await lambda_("PutRuntimeManagementConfig", FunctionName="f:1", UpdateRuntimeOn="FunctionUpdate") == chosen
    assert await lambda_("GetRuntimeManagementConfig", FunctionName="f", Qualifier="1") == chosen
    assert await lambda_("GetRuntimeManagementConfig", FunctionName="f") == auto
    refused = await lambda_.refusal("GetPolicy", FunctionName="f")
    assert (refused.code, refused.message) == (
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )
