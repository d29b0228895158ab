"""Terraform's aws provider: a role, a layer and a function, applied, invoked and destroyed.

Needs `terraform` on the PATH and the provider. RAMUDA_TEST_TF_PLUGINS may name a folder that mirrors providers on disk;
without it terraform gets the provider its own way.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ramuda.testing import RunningServer
from tests.conftest import Aws

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

resource "aws_iam_role" "role" {{
  name = "{name}"
  assume_role_policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "sts:AssumeRole", Principal = {{ Service = "lambda.amazonaws.com" }} }}]
  }})
}}

resource "aws_lambda_layer_version" "words" {{
  layer_name          = "{name}"
  filename            = "layer.zip"
  compatible_runtimes = ["python3.11"]
}}

resource "aws_lambda_function" "function" {{
  function_name    = "{name}"
  role             = aws_iam_role.role.arn
  runtime          = "python3.11"
  handler          = "app.handler"
  filename         = "code.zip"
  source_code_hash = filebase64sha256("code.zip")
  layers           = [aws_lambda_layer_version.words.arn]
  timeout          = 7
  environment {{
    variables = {{ WHO = "{who}" }}
  }}
}}

output "arn" {{
  value = aws_lambda_function.function.arn
}}
"""
CODE = "import os, words\ndef handler(event, context):\n    return words.GREETING + ' ' + os.environ['WHO']\n"


class Terraform:
    def __init__(self, folder: Path, server: RunningServer) -> None:
        self._folder = folder
        self._environment = {**server.environment(), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
        mirror = os.environ.get("RAMUDA_TEST_TF_PLUGINS")
        if mirror:
            settings = folder / "terraform.rc"
            settings.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n')
            self._environment["TF_CLI_CONFIG_FILE"] = str(settings)
        elif not Path(self._environment.get("TF_CLI_CONFIG_FILE", "")).is_file():
            self._environment.pop("TF_CLI_CONFIG_FILE", None)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["terraform", *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def __call__(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def terraform(server: RunningServer, tmp_path: Path) -> Terraform:
    it = Terraform(tmp_path, server)
    (tmp_path / "main.tf").write_text(
        'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n'
    )
    if it.run("init", "-no-color").returncode:
        pytest.skip("terraform cannot get the aws provider; RAMUDA_TEST_TF_PLUGINS may name a mirror of it")
    return it


def test_terraform_applies_changes_and_destroys(
    terraform: Terraform, aws: Aws, unique: str, zipped: Callable[..., bytes], tmp_path: Path
) -> None:
    (tmp_path / "code.zip").write_bytes(zipped({"app.py": CODE}))
    (tmp_path / "layer.zip").write_bytes(zipped({"python/words.py": "GREETING = 'hello'\n"}))
    client = aws("lambda")

    def invoke() -> str:
        return str(json.loads(client.invoke(FunctionName=unique)["Payload"].read()))

    (tmp_path / "main.tf").write_text(CONFIGURATION.format(name=unique, who="Ada"))
    terraform("apply", "-auto-approve", "-no-color")
    assert json.loads(terraform("output", "-json"))["arn"]["value"].endswith(f":function:{unique}")
    assert invoke() == "hello Ada"
    assert "No changes." in terraform("plan", "-no-color", "-detailed-exitcode")

    (tmp_path / "main.tf").write_text(CONFIGURATION.format(name=unique, who="Grace"))
    terraform("apply", "-auto-approve", "-no-color")
    assert invoke() == "hello Grace"

    terraform("destroy", "-auto-approve", "-no-color")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName=unique)
    assert client.list_layer_versions(LayerName=unique)["LayerVersions"] == []
