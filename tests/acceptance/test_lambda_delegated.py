"""What the Lambda API takes from delegated services: code from S3, execution roles from IAM."""

import json
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

Aws = Callable[..., Any]
Zipped = Callable[..., bytes]

ACCOUNT = "314159265358"  # of its own: once an account has a role, functions there need one that exists
CODE = {"app.py": "def handler(event, context):\n    return 'from S3'\n"}


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_code_comes_from_a_bucket_and_says_what_is_wrong_with_it(aws: Aws, unique: str, zipped: Zipped) -> None:
    client, s3 = aws("lambda", account=ACCOUNT), aws("s3", account=ACCOUNT)
    role = f"arn:aws:iam::{ACCOUNT}:role/{unique}"
    aws("iam", account=ACCOUNT).create_role(RoleName=unique, AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="code.zip", Body=zipped(CODE))

    def create(**code: str) -> Any:
        return client.create_function(
            FunctionName=unique, Runtime="python3.11", Handler="app.handler", Role=role, Code=code
        )

    for bucket, key, told in (
        (unique, "nope", "NoSuchKey. S3 Error Message: The specified key does not exist."),
        (f"{unique}-nope", "x", "NoSuchBucket. S3 Error Message: The specified bucket does not exist"),
    ):
        with pytest.raises(botocore.exceptions.ClientError) as refusal:
            create(S3Bucket=bucket, S3Key=key)
        error = refusal.value.response["Error"]
        assert error["Code"] == "InvalidParameterValueException"
        assert error["Message"] == f"Error occurred while GetObject. S3 Error Code: {told}"
    create(S3Bucket=unique, S3Key="code.zip")
    client.get_waiter("function_active_v2").wait(FunctionName=unique, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    assert client.invoke(FunctionName=unique)["Payload"].read() == b'"from S3"'
    client.delete_function(FunctionName=unique)


def test_a_role_must_trust_lambda_where_roles_are_in_use(aws: Aws, unique: str, zipped: Zipped) -> None:
    client, iam = aws("lambda", account=ACCOUNT), aws("iam", account=ACCOUNT)
    iam.create_role(RoleName=unique, AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))

    def create(role: str) -> Any:
        return client.create_function(
            FunctionName=unique,
            Runtime="python3.11",
            Handler="app.handler",
            Role=f"arn:aws:iam::{ACCOUNT}:role/{role}",
            Code={"ZipFile": zipped(CODE)},
        )

    for role in (unique, f"{unique}-nope"):
        with pytest.raises(botocore.exceptions.ClientError, match="cannot be assumed by Lambda"):
            create(role)
    iam.update_assume_role_policy(RoleName=unique, PolicyDocument=trust("lambda.amazonaws.com"))
    assert create(unique)["State"] == "Pending"
    client.delete_function(FunctionName=unique)
