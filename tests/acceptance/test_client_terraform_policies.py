"""Terraform's aws provider: permissions of a function and its alias, of a layer version, and code signing; applied,
planned again without a change, destroyed. Needs what `test_client_terraform` needs."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.test_client_terraform import Terraform, terraform
from tests.conftest import Aws

__all__ = ["terraform"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed"),
]

CONFIGURATION = """
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}

provider "aws" {{}}

resource "aws_lambda_code_signing_config" "signing" {{
  description = "{name}"
  allowed_publishers {{
    signing_profile_version_arns = ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/test/abcdefghij"]
  }}
  policies {{
    untrusted_artifact_on_deployment = "Warn"
  }}
}}

resource "aws_lambda_layer_version" "words" {{
  layer_name          = "{name}"
  filename            = "layer.zip"
  compatible_runtimes = ["python3.11"]
}}

resource "aws_lambda_layer_version_permission" "everybody" {{
  layer_name      = aws_lambda_layer_version.words.layer_name
  version_number  = aws_lambda_layer_version.words.version
  statement_id    = "everybody"
  action          = "lambda:GetLayerVersion"
  principal       = "*"
  organization_id = "o-aaaaaaaaaa"
}}

resource "aws_lambda_function" "function" {{
  function_name           = "{name}"
  role                    = "arn:aws:iam::000000000000:role/lambda-role"
  runtime                 = "python3.11"
  handler                 = "app.handler"
  filename                = "code.zip"
  publish                 = true
  code_signing_config_arn = aws_lambda_code_signing_config.signing.arn
}}

resource "aws_lambda_alias" "live" {{
  name             = "live"
  function_name    = aws_lambda_function.function.function_name
  function_version = aws_lambda_function.function.version
}}

resource "aws_lambda_permission" "bucket" {{
  statement_id   = "bucket"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.function.function_name
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:aws:s3:::bucket"
  source_account = "000000000000"
}}

resource "aws_lambda_permission" "other" {{
  statement_id  = "other"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "arn:aws:iam::{account}:root"
}}
"""
CODE = "def handler(event, context):\n    return event\n"


def test_terraform_gives_permissions_and_takes_them_back(
    terraform: Terraform, aws: Aws, unique: str, zipped: Callable[..., bytes], tmp_path: Path
) -> None:
    (tmp_path / "code.zip").write_bytes(zipped({"app.py": CODE}))
    (tmp_path / "layer.zip").write_bytes(zipped({"python/words.py": "GREETING = 'hello'\n"}))
    client, other = aws("lambda"), "222222222222"
    (tmp_path / "main.tf").write_text(CONFIGURATION.format(name=unique, account=other))
    terraform("apply", "-auto-approve", "-no-color")
    assert "No changes." in terraform("plan", "-no-color", "-detailed-exitcode")

    statements = json.loads(client.get_policy(FunctionName=unique)["Policy"])["Statement"]
    assert [statement["Sid"] for statement in statements] == ["bucket"]
    arn = client.get_alias(FunctionName=unique, Name="live")["AliasArn"]
    invoked = aws("lambda", account=other).invoke(FunctionName=arn, Payload=b"1")
    assert invoked["Payload"].read() == b"1"
    signing = client.get_function_code_signing_config(FunctionName=unique)["CodeSigningConfigArn"]
    assert client.list_functions_by_code_signing_config(CodeSigningConfigArn=signing)["FunctionArns"] == [
        f"arn:aws:lambda:us-east-1:000000000000:function:{unique}"
    ]
    shared = json.loads(client.get_layer_version_policy(LayerName=unique, VersionNumber=1)["Policy"])["Statement"]
    assert [statement["Sid"] for statement in shared] == ["everybody"]

    terraform("destroy", "-auto-approve", "-no-color")
    for gone, params in (
        (client.get_policy, {"FunctionName": unique}),
        (client.get_layer_version_policy, {"LayerName": unique, "VersionNumber": 1}),
        (client.get_code_signing_config, {"CodeSigningConfigArn": signing}),
    ):
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            gone(**params)
