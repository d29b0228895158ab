"""Runtime and handler from the names and contents of a package."""

import io
import sys
import zipfile

import pytest

from ramuda.cli import detection
from ramuda.cli.detection import Detected

OURS = f"python3.{sys.version_info.minor}"


def _package(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("file", "content", "runtime", "handler"),
    [
        ("lambda_function.py", "def lambda_handler(e, c): ...", OURS, "lambda_function.lambda_handler"),
        ("app.py", "def handler(e, c): ...", OURS, "app.handler"),
        ("app.py", "handler = make()", OURS, "app.handler"),
        ("app.py", "def other(): ...\ndef lambda_handler(e, c): ...", OURS, "app.lambda_handler"),
        ("main.py", "this does not parse (", OURS, "main.lambda_handler"),
        ("index.mjs", "export const handler = async () => 1", "nodejs22.x", "index.handler"),
        ("index.mjs", "export async function handler() {}", "nodejs22.x", "index.handler"),
        ("app.js", "exports.lambdaHandler = () => 1", "nodejs22.x", "app.lambdaHandler"),
        ("lambda_function.rb", "", "ruby3.4", "lambda_function.lambda_handler"),
        ("bootstrap", "", "provided.al2023", "bootstrap"),
    ],
)
def test_what_a_package_is_for(file: str, content: str, runtime: str, handler: str) -> None:
    assert detection.detect(_package({file: content})) == Detected(runtime=runtime, handler=handler)


def test_a_bootstrap_wins_over_everything_else() -> None:
    package = _package({"app.py": "def handler(e, c): ...", "bootstrap": ""})
    assert detection.detect(package) == Detected(runtime="provided.al2023", handler="bootstrap")


def test_a_package_without_a_known_name_is_told_about() -> None:
    with pytest.raises(detection.NothingDetectedError, match=r"no bootstrap, lambda_function, app"):
        detection.detect(_package({"readme.txt": "x"}))
