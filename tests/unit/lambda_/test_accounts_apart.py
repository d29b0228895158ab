"""Where callers are kept apart by account (`Options.other_accounts`, under --auth): a function is no way to what
another account has."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from ramuda.config import Options as AllOptions
from ramuda.gateway.options import Options as GatewayOptions
from ramuda.invoke import destinations
from ramuda.kernel.arn import Arn
from ramuda.kernel.call import Call, Principal
from ramuda.kernel.errors import ApiError
from ramuda.kernel.function import FunctionRef
from ramuda.kernel.ports.credentials import CredentialIssuer
from ramuda.kernel.ports.target import Delivery, Undeliverable
from ramuda.server.server import _guarded_by_auth
from ramuda.services import sts
from ramuda.services.lambda_ import Options
from tests.unit.lambda_.harness import ACCOUNT, REGION, ROLE, Lambda
from tests.unit.lambda_.mapped import kept, mapping, queue_of, started

OTHER = "222222222222"
QUEUE = f"arn:aws:sqs:{REGION}:{OTHER}:q"


@pytest.fixture
async def lambda_(tmp_path: Path) -> AsyncIterator[Lambda]:
    made = await started(tmp_path, Options(other_accounts=False))
    yield made
    await made.stop()


async def test_a_role_of_another_account_is_refused_also_where_iam_is_not_in_use(lambda_: Lambda) -> None:
    """Its function would have that account's credentials."""
    await lambda_.create("f")
    with pytest.raises(ApiError, match="Cross-account pass role is not allowed") as caught:
        await lambda_.create("g", Role=ROLE.replace(ACCOUNT, OTHER))
    assert (caught.value.code, caught.value.status) == ("AccessDeniedException", 403)
    given = {"FunctionName": "f", "Role": ROLE.replace(ACCOUNT, OTHER)}
    assert (await lambda_.refusal("UpdateFunctionConfiguration", **given)).code == "AccessDeniedException"


async def test_a_queue_of_another_account_is_not_mapped(lambda_: Lambda) -> None:
    await lambda_.create("f")
    error = await lambda_.refusal("CreateEventSourceMapping", FunctionName="f", EventSourceArn=QUEUE)
    assert (error.code, error.message) == (
        "InvalidParameterValueException",
        "The provided execution role does not have permissions to call ReceiveMessage on SQS",
    )


async def test_a_mapping_that_was_made_before_is_not_read(lambda_: Lambda) -> None:
    await lambda_.create("f")
    made = mapping("Enabled")
    await kept(lambda_, replace(made, settings={**made.settings, "EventSourceArn": QUEUE}))
    queue_of(lambda_).send("secret")
    await lambda_.service.room.mappings.resume()
    told = "No records processed"
    for _ in range(1000):
        await lambda_.clock.advance(0.25)
        told = (await lambda_("GetEventSourceMapping", UUID=made.uuid)).get("LastProcessingResult", told)
        if "PROBLEM" in told or lambda_.invoker.asked:
            break
    assert told == "PROBLEM: The queue is of another account than the function."
    assert queue_of(lambda_).left == ["secret"]
    assert lambda_.invoker.asked == []


@pytest.mark.parametrize("service", ["sqs", "sns", "events", "lambda", "s3"])
async def test_records_go_to_no_other_account(lambda_: Lambda, service: str) -> None:
    async def enqueue(arn: Arn, *, payload: bytes, request_id: str, trace: str | None) -> None:
        raise AssertionError("it was sent")

    targets = destinations.targets(lambda_.api, enqueue, of_other_accounts=False)
    function = FunctionRef(account=ACCOUNT, region=REGION, name="f")
    delivery = Delivery(id="1", kind="Failure", function=function, body="{}", at_s=0.0)
    with pytest.raises(Undeliverable, match="of another account than the function"):
        await targets[service].deliver(Arn.parse(f"arn:aws:{service}:{REGION}:{OTHER}:x"), delivery)


async def test_a_role_of_another_account_is_not_assumed() -> None:
    role = f"arn:aws:iam::{OTHER}:role/admin"
    call = Call(
        service="sts",
        operation="AssumeRole",
        params={"RoleArn": role, "RoleSessionName": "me"},
        principal=Principal(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root", user_id=ACCOUNT),
        region=REGION,
        account=ACCOUNT,
        request_id="1",
        headers={},
    )
    issuer: CredentialIssuer = None  # type: ignore[assignment]  # it is not asked
    with pytest.raises(ApiError, match=f"not authorized to perform: sts:AssumeRole on resource: {role}") as caught:
        await sts.service(issuer, other_accounts=False).operations["AssumeRole"](call)
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)


def test_that_is_so_under_auth_unless_it_is_configured_otherwise() -> None:
    auth = GatewayOptions(auth=True)
    assert _guarded_by_auth(AllOptions(gateway=auth)).other_accounts is False
    assert _guarded_by_auth(AllOptions()).other_accounts is None
    assert _guarded_by_auth(AllOptions(gateway=auth, lambda_=Options(other_accounts=True))).other_accounts is True
