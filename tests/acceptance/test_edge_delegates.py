"""Delegated services through moto's server, by boto3: one start serves the whole module."""

import asyncio
import http.client
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from botocore.exceptions import ClientError

from ramuda.gateway.http import Options as HttpOptions
from ramuda.gateway.options import Options
from ramuda.gateway.upstream import Options as UpstreamOptions
from ramuda.kernel.errors import ApiError
from tests.acceptance.edge import Edge, on_thread, running_edge

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANN, BOB = "111122223333", "444455556666"
TRUST = '{"Version": "2012-10-17", "Statement": []}'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    folder = tmp_path_factory.mktemp("edge")
    options = Options(
        upstream=UpstreamOptions(log_dir=folder), http=HttpOptions(stream_from_bytes=64 * 1024, body_bytes=256 * 1024)
    )
    async with running_edge(folder, options) as running:
        yield running


async def test_nothing_runs_before_the_first_call_and_one_start_serves_all(edge: Edge) -> None:
    assert edge.upstream.is_running("iam") is False
    clients = [edge.client("sqs" if n % 2 else "ssm", ANN) for n in range(6)]
    calls = [on_thread(c.list_queues if n % 2 else c.describe_parameters) for n, c in enumerate(clients)]
    answers = await asyncio.gather(*calls)
    assert [answer["ResponseMetadata"]["HTTPStatusCode"] for answer in answers] == [200] * 6
    assert edge.upstream.is_running("iam") is True


async def test_accounts_are_separate_and_roles_are_found_from_within(edge: Edge) -> None:
    made = await on_thread(edge.client("iam", ANN).create_role, RoleName="worker", AssumeRolePolicyDocument=TRUST)
    assert made["Role"]["Arn"] == f"arn:aws:iam::{ANN}:role/worker"
    assert (await on_thread(edge.client("iam", BOB).list_roles))["Roles"] == []
    found = await edge.gateway.call("iam", "GetRole", {"RoleName": "worker"}, account=ANN, region="us-east-1")
    assert found["Role"]["Arn"] == made["Role"]["Arn"]
    with pytest.raises(ApiError) as missing:
        await edge.gateway.call("iam", "GetRole", {"RoleName": "worker"}, account=BOB, region="us-east-1")
    assert (missing.value.code, missing.value.status) == ("NoSuchEntity", 404)


async def test_regions_are_separate_and_any_region_works(edge: Edge) -> None:
    table: dict[str, Any] = {
        "TableName": "things",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    there = edge.client("dynamodb", ANN, region="mars-north-1")
    arn = (await on_thread(there.create_table, **table))["TableDescription"]["TableArn"]
    assert arn == f"arn:aws:dynamodb:mars-north-1:{ANN}:table/things"
    for key, region, names in ((ANN, "mars-north-1", ["things"]), (ANN, "us-east-1", []), (BOB, "mars-north-1", [])):
        client = edge.client("dynamodb", key, region=region)
        assert (await on_thread(client.list_tables))["TableNames"] == names


async def test_objects_of_any_size_and_name_come_back_as_they_were_put(edge: Edge) -> None:
    s3 = edge.client("s3", ANN)
    await on_thread(s3.create_bucket, Bucket="any")
    for key, body in (("a b/c+d%&\u00e9", b"small"), ("large", os.urandom(1024 * 1024)), ("empty", b"")):
        await on_thread(s3.put_object, Bucket="any", Key=key, Body=body)

        def fetch(key: str = key) -> bytes:
            data: bytes = s3.get_object(Bucket="any", Key=key)["Body"].read()
            return data

        assert await on_thread(fetch) == body
        assert (await on_thread(s3.head_object, Bucket="any", Key=key))["ContentLength"] == len(body)
    keys = [entry["Key"] for entry in (await on_thread(s3.list_objects_v2, Bucket="any"))["Contents"]]
    assert keys == ["a b/c+d%&\u00e9", "empty", "large"]
    found = await edge.gateway.call(
        "s3", "GetObject", {"Bucket": "any", "Key": "large"}, account=ANN, region="us-east-1"
    )
    assert len(found["Body"]) == 1024 * 1024


async def test_buckets_are_reached_by_host_name_too(edge: Edge) -> None:
    hosted = edge.client("s3", ANN, addressing="virtual", url=f"http://s3.localhost:{edge.port}")
    host = f"hosted.s3.localhost:{edge.port}"
    url = hosted.generate_presigned_url("get_object", Params={"Bucket": "hosted", "Key": "k"})
    assert url.startswith(f"http://{host}/k?")

    def by_host() -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", edge.port)  # not every machine resolves *.localhost
        connection.request("GET", url.partition(host)[2], headers={"Host": host})
        answer = connection.getresponse()
        read = answer.status, answer.read()
        connection.close()
        return read

    s3 = edge.client("s3", ANN)
    await on_thread(s3.create_bucket, Bucket="hosted")
    await on_thread(s3.put_object, Bucket="hosted", Key="k", Body=b"by host")
    assert await on_thread(by_host) == (200, b"by host")


async def test_errors_of_delegated_services_are_passed_on(edge: Edge) -> None:
    with pytest.raises(ClientError) as missing:
        await on_thread(edge.client("s3", ANN).get_object, Bucket="any-other", Key="k")
    assert missing.value.response["Error"]["Code"] == "NoSuchBucket"
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


async def test_what_sts_does_not_do_itself_is_delegated(edge: Edge) -> None:
    answer = await on_thread(edge.client("sts", ANN).get_federation_token, Name="fred")
    assert answer["FederatedUser"]["Arn"].endswith(f"{ANN}:federated-user/fred")


async def test_an_unsigned_read_finds_the_bucket(edge: Edge) -> None:
    s3 = edge.client("s3")  # the default account, which is whose an unsigned request is
    await on_thread(s3.create_bucket, Bucket="public")
    await on_thread(s3.put_object, Bucket="public", Key="k", Body=b"for all", ACL="public-read")

    def read() -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", edge.port)
        connection.request("GET", "/public/k")
        body = connection.getresponse().read()
        connection.close()
        return body

    assert await on_thread(read) == b"for all"


async def test_when_the_process_dies_the_next_call_starts_another(edge: Edge, caplog: pytest.LogCaptureFixture) -> None:
    before = edge.upstream._moto._process
    assert before is not None
    os.kill(before.pid, signal.SIGKILL)
    await before.wait()
    watcher = edge.upstream._moto._watcher
    assert watcher is not None
    await asyncio.wait([watcher])
    assert edge.upstream.is_running("iam") is False
    assert any(record.getMessage().startswith("moto.ended status=-9") for record in caplog.records)
    assert (await on_thread(edge.client("iam", ANN).list_roles))["Roles"] == []
    assert edge.upstream.is_running("iam") is True
