"""A handler that uses boto3 as it would on AWS: no endpoint, no keys, no region in its code."""

import json
from collections.abc import Callable

import pytest

from tests.conftest import Aws

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CODE = """
import boto3

s3, table = boto3.client("s3"), boto3.resource("dynamodb").Table("NAME")

def handler(event, context):
    body = s3.get_object(Bucket="NAME", Key="order.txt")["Body"].read().decode()
    table.put_item(Item={"id": "1", "text": body})
    s3.put_object(Bucket="NAME", Key="copy.txt", Body=table.get_item(Key={"id": "1"})["Item"]["text"].encode())
    who = boto3.client("sts").get_caller_identity()
    return {"read": body, "account": who["Account"], "role": who["Arn"].split("/")[1]}
"""


def test_an_unchanged_handler_reads_s3_and_writes_dynamodb(aws: Aws, unique: str, deployed: Callable[..., str]) -> None:
    s3, dynamodb = aws("s3"), aws("dynamodb")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="order.txt", Body=b"two cups")
    dynamodb.create_table(
        TableName=unique,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    name = deployed({"app.py": CODE.replace("NAME", unique)}, Timeout=60, MemorySize=1024)
    answer = aws("lambda").invoke(FunctionName=name)
    assert json.loads(answer["Payload"].read()) == {
        "read": "two cups",
        "account": "000000000000",
        "role": "lambda-role",
    }
    assert s3.get_object(Bucket=unique, Key="copy.txt")["Body"].read() == b"two cups"
    assert dynamodb.get_item(TableName=unique, Key={"id": {"S": "1"}})["Item"]["text"] == {"S": "two cups"}
