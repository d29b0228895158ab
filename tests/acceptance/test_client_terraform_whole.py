"""Terraform's aws provider: a function and all that Lambda has around it in one configuration: applied, planned again
without a change, changed, destroyed. Needs what `test_client_terraform` needs."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ramuda.testing import RunningServer
from tests.acceptance.function_urls import Url
from tests.acceptance.test_client_terraform import Terraform, terraform
from tests.conftest import Aws

__all__ = ["terraform"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed"),
]

CONFIGURATION = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {}

data "aws_caller_identity" "me" {}

resource "aws_iam_role" "role" {
  name = "NAME"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_sqs_queue" "source" {
  name                       = "NAME-source"
  visibility_timeout_seconds = 60
}

resource "aws_sqs_queue" "good" {
  name = "NAME-good"
}

resource "aws_sqs_queue" "bad" {
  name = "NAME-bad"
}

resource "aws_lambda_layer_version" "words" {
  layer_name          = "NAME"
  filename            = "layer.zip"
  compatible_runtimes = ["python3.11"]
}

resource "aws_lambda_layer_version_permission" "words" {
  layer_name     = aws_lambda_layer_version.words.layer_name
  version_number = aws_lambda_layer_version.words.version
  principal      = "111122223333"
  action         = "lambda:GetLayerVersion"
  statement_id   = "friends"
}

resource "aws_lambda_code_signing_config" "signing" {
  description = "DESCRIPTION"
  allowed_publishers {
    signing_profile_version_arns = [
      "arn:aws:signer:us-east-1:${data.aws_caller_identity.me.account_id}:/signing-profiles/mine/abcdefghij"
    ]
  }
  policies {
    untrusted_artifact_on_deployment = "Warn"
  }
}

resource "aws_lambda_function" "function" {
  function_name                  = "NAME"
  role                           = aws_iam_role.role.arn
  runtime                        = "python3.11"
  handler                        = "app.handler"
  filename                       = "code.zip"
  source_code_hash               = filebase64sha256("code.zip")
  publish                        = true
  description                    = "DESCRIPTION"
  timeout                        = 7
  memory_size                    = 256
  layers                         = [aws_lambda_layer_version.words.arn]
  reserved_concurrent_executions = RESERVED
  code_signing_config_arn        = aws_lambda_code_signing_config.signing.arn
  dead_letter_config {
    target_arn = aws_sqs_queue.bad.arn
  }
  ephemeral_storage {
    size = 1024
  }
  tracing_config {
    mode = "Active"
  }
  logging_config {
    log_format            = "JSON"
    application_log_level = "DEBUG"
    system_log_level      = "WARN"
  }
  environment {
    variables = { WHO = "DESCRIPTION" }
  }
  tags = { who = "DESCRIPTION" }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "DESCRIPTION"
  function_name    = aws_lambda_function.function.function_name
  function_version = aws_lambda_function.function.version
}

resource "aws_lambda_alias" "split" {
  name             = "split"
  function_name    = aws_lambda_function.function.function_name
  function_version = "1"
ROUTING
  depends_on = [aws_lambda_function.function]
}

resource "aws_lambda_permission" "bucket" {
  statement_id   = "bucket"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.function.function_name
  qualifier      = aws_lambda_alias.live.name
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:aws:s3:::NAME"
  source_account = data.aws_caller_identity.me.account_id
}

# What URLs need since October 2025 beside the permission that the provider adds by itself.
resource "aws_lambda_permission" "url" {
  statement_id  = "everybody"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "*"
}

resource "aws_lambda_function_url" "url" {
  function_name      = aws_lambda_function.function.function_name
  qualifier          = aws_lambda_alias.live.name
  authorization_type = "NONE"
  invoke_mode        = "BUFFERED"
  cors {
    allow_credentials = true
    allow_origins     = ["https://DESCRIPTION.example"]
    allow_methods     = ["GET", "POST"]
    allow_headers     = ["x-thing"]
    expose_headers    = ["x-other"]
    max_age           = 60
  }
}

resource "aws_lambda_function_event_invoke_config" "events" {
  function_name                = aws_lambda_function.function.function_name
  qualifier                    = aws_lambda_alias.live.name
  maximum_event_age_in_seconds = AGE
  maximum_retry_attempts       = 0
  destination_config {
    on_success {
      destination = aws_sqs_queue.good.arn
    }
    on_failure {
      destination = aws_sqs_queue.bad.arn
    }
  }
}

resource "aws_lambda_event_source_mapping" "queue" {
  event_source_arn                   = aws_sqs_queue.source.arn
  function_name                      = aws_lambda_alias.live.arn
  batch_size                         = BATCH
  maximum_batching_window_in_seconds = 1
  function_response_types            = ["ReportBatchItemFailures"]
  scaling_config {
    maximum_concurrency = 5
  }
  filter_criteria {
    filter {
      pattern = jsonencode({ body = { kind = ["order"] } })
    }
  }
}

resource "aws_lambda_provisioned_concurrency_config" "ready" {
  function_name                     = aws_lambda_function.function.function_name
  qualifier                         = aws_lambda_alias.live.name
  provisioned_concurrent_executions = PROVISIONED
}

resource "aws_lambda_function_recursion_config" "recursion" {
  function_name  = aws_lambda_function.function.function_name
  recursive_loop = "RECURSION"
}

resource "aws_lambda_runtime_management_config" "runtime" {
  function_name     = aws_lambda_function.function.function_name
  update_runtime_on = "FunctionUpdate"
}

output "url" {
  value = aws_lambda_function_url.url.function_url
}

output "split" {
  value = aws_lambda_alias.split.arn
}
"""
CODE = """import json, os, words
def handler(event, context):
    return {"said": words.GREETING + " " + os.environ["WHO"], "version": context.function_version,
            "init": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]}
"""
FIRST = {
    "DESCRIPTION": "ada",
    "RESERVED": "50",
    "ROUTING": "",
    "AGE": "60",
    "BATCH": "5",
    "PROVISIONED": "1",
    "RECURSION": "Allow",
}
SECOND = {
    "DESCRIPTION": "grace",
    "RESERVED": "60",
    "ROUTING": 'routing_config {\n    additional_version_weights = { "2" = 1 }\n  }',
    "AGE": "3600",
    "BATCH": "7",
    "PROVISIONED": "2",
    "RECURSION": "Terminate",
}


def configuration(name: str, words: dict[str, str]) -> str:
    text = CONFIGURATION
    for word, value in {"NAME": name, **words}.items():
        text = text.replace(word, value)
    return text


def test_terraform_keeps_a_whole_function_without_drift(
    terraform: Terraform,
    server: RunningServer,
    aws: Aws,
    unique: str,
    zipped: Callable[..., bytes],
    tmp_path: Path,
) -> None:
    (tmp_path / "code.zip").write_bytes(zipped({"app.py": CODE}))
    (tmp_path / "layer.zip").write_bytes(zipped({"python/words.py": "GREETING = 'hello'\n"}))
    client = aws("lambda")
    for number, (words, who) in enumerate([(FIRST, "ada"), (SECOND, "grace")], 1):
        (tmp_path / "main.tf").write_text(configuration(unique, words))
        terraform("apply", "-auto-approve", "-no-color")
        assert "No changes." in terraform("plan", "-no-color", "-detailed-exitcode")
        outputs = json.loads(terraform("output", "-json"))
        assert json.loads(Url(server.url, outputs["url"]["value"])().body) == {
            "said": f"hello {who}",
            "version": str(number),
            "init": "provisioned-concurrency",
        }
        answer = client.invoke(FunctionName=outputs["split"]["value"])
        assert (answer["ExecutedVersion"], json.load(answer["Payload"])["said"]) == (str(number), f"hello {who}")
    terraform("destroy", "-auto-approve", "-no-color")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName=unique)
    assert client.list_event_source_mappings(FunctionName=unique)["EventSourceMappings"] == []
