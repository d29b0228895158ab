"""Every sentence that the Lambda API says is provoked by some test.

A sentence is any text of four words that is no documentation, SQL or log line: refusals, reasons of states, results.
What is never answered but only logged or printed in docs (`UNSAID`) is left out.
What an f-string fills in splits it, and its longest piece must stand in a string of a test; a test may have fewer words
of it: the first or the last thirty characters do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from botocore.loaders import Loader

ROOT = Path(__file__).resolve().parents[2]
SERVICE = ROOT / "src" / "ramuda" / "services" / "lambda_"
UNSAID = {"archive.py", "effects.py", "url_requests.py", "rules/url_responses.py"}
ENOUGH = 30
WORDS_MIN = 4
NOT_SAID = re.compile(r"%[sd]|^(SELECT|INSERT|UPDATE|DELETE|ON CONFLICT|VALUES|FROM|WHERE|ORDER|AND|SET) |\w+ = :\w+")


NEVER = {
    "AliasLimitExceededException": "how many aliases a function may have is not published",
    "CallbackTimeoutException": "durable executions are left out",
    "CapacityProviderLimitExceededException": "capacity providers are left out",
    "CodeArtifactUserDeletedException": "code has no user of its own",
    "CodeArtifactUserFailedException": "code has no user of its own",
    "CodeArtifactUserPendingException": "code has no user of its own",
    "DurableExecutionAlreadyStartedException": "durable executions are left out",
    "EC2AccessDeniedException": "no network interface is made in EC2",
    "EC2ThrottledException": "no network interface is made in EC2",
    "EC2UnexpectedException": "no network interface is made in EC2",
    "EFSIOException": "no file system is mounted",
    "EFSMountConnectivityException": "no file system is mounted",
    "EFSMountFailureException": "no file system is mounted",
    "EFSMountTimeoutException": "no file system is mounted",
    "ENILimitReachedException": "no network interface is made in EC2",
    "ENINotReadyException": "no network interface is made in EC2",
    "FunctionVersionsPerCapacityProviderLimitExceededException": "capacity providers are left out",
    "InvalidCodeSignatureException": "no code is signed here: Enforce says CodeVerificationFailedException",
    "InvalidRuntimeException": "a runtime that is not there fails the function when it is made",
    "InvalidSecurityGroupIDException": "groups are looked up when the function is made",
    "InvalidSubnetIDException": "subnets are looked up when the function is made",
    "InvalidZipFileException": "archives are read when the function is made",
    "ModeNotSupportedException": "every function takes every mode",
    "NoPublishedVersionException": "$LATEST.PUBLISHED belongs to capacity providers, which are left out",
    "PublicPolicyException": "public access is not blocked for an account",
    "ResourceNotReadyException": "a function that is not ready answers ResourceConflictException, as recorded",
    "RuntimeAliasDeletedException": "customer-managed runtimes are left out",
    "RuntimeVersionDeletedException": "customer-managed runtimes are left out",
    "S3FilesMountConnectivityException": "no file system is mounted",
    "S3FilesMountFailureException": "no file system is mounted",
    "S3FilesMountTimeoutException": "no file system is mounted",
    "SerializedRequestEntityTooLargeException": "requests are refused by their bytes: RequestTooLargeException",
    "ServiceQuotaExceededException": "quotas of tenants: tenant isolation is left out",
    "SubnetIPAddressLimitReachedException": "no network interface is made in EC2",
    "UnsupportedMediaTypeException": "any Content-Type is taken, as no client sends another than the model's",
}
"""Errors of the model that no operation answers here, and why."""


def _documentation(tree: ast.AST) -> set[ast.expr]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def _texts(tree: ast.Module) -> Iterator[tuple[int, list[str]]]:
    """Line and pieces of each text."""
    skipped: set[ast.AST] = set(_documentation(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= set(node.values)
            pieces = [part.value for part in node.values if isinstance(part, ast.Constant)]
            yield node.lineno, [piece for piece in pieces if isinstance(piece, str)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in skipped:
            yield node.lineno, [node.value]


def _sentences() -> Iterator[tuple[str, str]]:
    """Where it stands, and the longest piece of it."""
    for file in sorted(SERVICE.rglob("*.py")):
        where = str(file.relative_to(SERVICE))
        if where in UNSAID or where.startswith("store/"):
            continue
        for line, pieces in _texts(ast.parse(file.read_text())):
            text = max(pieces, key=len, default="").strip()
            if len(text.split()) >= WORDS_MIN and not any(NOT_SAID.search(piece) for piece in pieces):
                yield f"{where}:{line}", text


def _in_tests() -> str:
    """Every string of the tests; patterns without their escapes."""
    trees = (ast.parse(file.read_text()) for file in sorted((ROOT / "tests").rglob("*.py")))
    every = (piece for tree in trees for _, pieces in _texts(tree) for piece in pieces)
    return "\n".join(re.sub(r"\\(?=\W)", "", piece) for piece in every)


def test_every_sentence_is_provoked_by_a_test() -> None:
    tests = _in_tests()
    unprovoked = [
        f"{where}: {text}" for where, text in _sentences() if text[:ENOUGH] not in tests and text[-ENOUGH:] not in tests
    ]
    assert unprovoked == []


def test_the_sentences_are_found() -> None:
    found = {text for _, text in _sentences()}
    assert len(found) > 100
    assert "Could not unzip uploaded file. Please check your file, then try to upload again." in found
    assert "' are not reachable in this region ('" in found


def test_every_error_of_the_model_is_answered_and_tried_or_cannot_be() -> None:
    shapes = Loader().load_service_model("lambda", "service-2")["shapes"]
    modelled = {name for name, shape in shapes.items() if shape.get("exception")}
    source = "\n".join(file.read_text() for file in (ROOT / "src" / "ramuda").rglob("*.py"))
    answered = {name for name in modelled if f'"{name}"' in source}
    assert modelled - answered == set(NEVER)
    tests = _in_tests() + "".join(file.read_text() for file in (ROOT / "tests" / "acceptance").glob("*.py"))
    assert [name for name in sorted(answered) if name not in tests] == []
