"""A function that was deleted and made again under its name has nothing of the one before."""

from typing import Any

from ramuda.kernel.function import Invocation, Outcome, Throttled
from tests.unit.lambda_.harness import ACCOUNT, REGION, Lambda, arn

URL_POLICY = {
    "FunctionName": "f",
    "Qualifier": "live",
    "StatementId": "s",
    "Action": "lambda:InvokeFunction",
    "Principal": "*",
}


async def furnish(lambda_: Lambda) -> None:
    """Gives function f one of everything that a function can have."""
    f: dict[str, Any] = {"FunctionName": "f"}
    await lambda_.create(Tags={"k": "v"})
    await lambda_("PublishVersion", **f)
    await lambda_.settled()
    await lambda_("CreateAlias", **f, Name="live", FunctionVersion="1")
    await lambda_("AddPermission", **URL_POLICY)
    await lambda_("CreateFunctionUrlConfig", **f, Qualifier="live", AuthType="NONE")
    await lambda_("PutFunctionEventInvokeConfig", **f, Qualifier="live", MaximumRetryAttempts=0)
    await lambda_("PutFunctionEventInvokeConfig", **f, MaximumRetryAttempts=0)
    await lambda_("PutProvisionedConcurrencyConfig", **f, Qualifier="live", ProvisionedConcurrentExecutions=2)
    await lambda_("PutFunctionConcurrency", **f, ReservedConcurrentExecutions=5)
    await lambda_("PutFunctionRecursionConfig", **f, RecursiveLoop="Allow")
    await lambda_("Invoke", **f, Qualifier="live")
    await lambda_.service.room.provisioning.settled()


async def test_it_has_nothing_of_the_one_before(lambda_: Lambda) -> None:
    await furnish(lambda_)
    (url_id,) = lambda_.service.room.urls._keys
    await lambda_("DeleteFunction", FunctionName="f")
    await lambda_.service.room.provisioning.settled()
    assert lambda_.invoker.provisions[arn("f")] == []
    assert lambda_.reserved[-1] == (ACCOUNT, REGION, "f", None)
    await lambda_.create()
    assert await lambda_("ListAliases", FunctionName="f") == {"Aliases": []}
    assert [v["Version"] for v in (await lambda_("ListVersionsByFunction", FunctionName="f"))["Versions"]] == [
        "$LATEST"
    ]
    assert await lambda_("ListFunctionUrlConfigs", FunctionName="f") == {"FunctionUrlConfigs": []}
    assert await lambda_("ListFunctionEventInvokeConfigs", FunctionName="f") == {"FunctionEventInvokeConfigs": []}
    assert await lambda_("ListProvisionedConcurrencyConfigs", FunctionName="f") == {"ProvisionedConcurrencyConfigs": []}
    assert await lambda_("GetFunctionConcurrency", FunctionName="f") == {}
    assert (await lambda_("GetFunctionRecursionConfig", FunctionName="f"))["RecursiveLoop"] == "Terminate"
    assert (await lambda_("ListTags", Resource=arn("f")))["Tags"] == {}
    assert (await lambda_.refusal("Invoke", FunctionName="f", Qualifier="live")).code == "ResourceNotFoundException"
    assert await lambda_.service.room.urls.find(url_id) is None
    await lambda_("PublishVersion", FunctionName="f")
    await lambda_.settled()
    await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert (await lambda_.refusal("GetPolicy", FunctionName="f", Qualifier="live")).code == "ResourceNotFoundException"
    await lambda_("Invoke", FunctionName="f", Qualifier="live")
    snapshot = lambda_.invoker.asked[-1].function
    assert (snapshot.reserved_concurrency, snapshot.recursive_loop) == (None, "Terminate")
    await lambda_.service.room.provisioning.settled()
    assert lambda_.invoker.provisions[arn("f")] == []


async def test_an_alias_made_again_has_nothing_of_the_one_before(lambda_: Lambda) -> None:
    await furnish(lambda_)
    await lambda_("DeleteAlias", FunctionName="f", Name="live")
    await lambda_.service.room.provisioning.settled()
    assert lambda_.invoker.provisions[arn("f")] == []
    await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    for operation in ("GetPolicy", "GetFunctionEventInvokeConfig", "GetProvisionedConcurrencyConfig"):
        refused = await lambda_.refusal(operation, FunctionName="f", Qualifier="live")
        assert refused.status == 404 or "NotFound" in refused.code, operation


async def test_an_event_is_tried_again_as_the_function_is_by_then(lambda_: Lambda) -> None:
    await lambda_.create(Timeout=3)
    busy = True

    def answer(invocation: Invocation) -> Outcome:
        if busy:
            raise Throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
        return lambda_.harmless(invocation)  # type: ignore[attr-defined]

    lambda_.harmless = lambda_.invoker.answer  # type: ignore[attr-defined]
    lambda_.invoker.answer = answer
    await lambda_("Invoke", FunctionName="f", InvocationType="Event", Payload=b"1")
    await lambda_.service.room.events.drained()
    await lambda_("UpdateFunctionConfiguration", FunctionName="f", Timeout=7)
    await lambda_.settled()
    busy = False
    await lambda_.clock.slept()
    await lambda_.clock.advance(2)
    await lambda_.service.room.events.drained()
    assert [each.function.timeout_s for each in lambda_.invoker.asked] == [3, 7]


async def test_an_event_of_a_function_that_is_gone_when_it_is_tried_again_ends(lambda_: Lambda) -> None:
    await lambda_.create(Timeout=3)

    def throttled(invocation: Invocation) -> Outcome:
        raise Throttled("ReservedFunctionConcurrentInvocationLimitExceeded")

    lambda_.invoker.answer = throttled
    await lambda_("Invoke", FunctionName="f", InvocationType="Event", Payload=b"1")
    await lambda_.service.room.events.drained()
    await lambda_("DeleteFunction", FunctionName="f")
    await lambda_.clock.slept()
    await lambda_.clock.advance(2)
    await lambda_.service.room.events.drained()
    assert len(lambda_.invoker.asked) == 1, "it is dropped with the function"
    await lambda_.create(Timeout=7)
    await lambda_.clock.advance(10)
    await lambda_.service.room.events.drained()
    assert len(lambda_.invoker.asked) == 1
