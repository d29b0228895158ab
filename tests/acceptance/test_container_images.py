"""Functions that are container images, through boto3: deployed from an OCI layout, run in the image's own root.

The images are made here, laid out as AWS's base images are (`tests.images`).
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ramuda.testing import running_server
from tests.acceptance.test_lambda_functions import active, refused
from tests.images import BASE_ENV, PYTHON, Blob, Layer, base_layers, blob, function, image, write_layout
from tests.sandboxes import VERSION

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda-role"
LOOK = """
import os, sys
def handler(event, context):
    if event == "raise":
        raise ValueError("on purpose")
    text = open("/var/task/text").read()
    return {"event": event, "text": text, "cwd": os.getcwd(), "handler": os.environ["_HANDLER"],
            "execution": os.environ.get("AWS_EXECUTION_ENV"), "prefix": sys.prefix, "user": os.getuid(),
            "root": sorted(os.listdir("/")), "mine": os.environ.get("MINE"), "name": context.function_name}
"""
EXTENSION = f"""#!{PYTHON}
import json, os, urllib.request
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2020-01-01/extension"
def ask(path, body, **headers):
    return urllib.request.urlopen(urllib.request.Request(base + path, body, headers))
registered = ask("/register", b'{{"events": ["INVOKE"]}}', **{{"Lambda-Extension-Name": os.path.basename(__file__)}})
me = {{"Lambda-Extension-Identifier": registered.headers["Lambda-Extension-Identifier"]}}
while True:
    print("the extension saw", json.load(ask("/event/next", None, **me))["eventType"], flush=True)
"""
ALTERED = frozenset(["LastModified", "RevisionId", "ResponseMetadata"])

Deploy = Callable[..., str]


@pytest.fixture(scope="module")
def base() -> Sequence[Blob]:
    return base_layers()


@pytest.fixture
def layout(base: Sequence[Blob], tmp_path: Path) -> Path:
    """An OCI layout with two images that differ in a file: tags `v1` and `v2`."""
    made = {tag: function(base, {"app.py": LOOK, "text": tag}, Env=[*BASE_ENV, "MINE=image"]) for tag in ("v1", "v2")}
    return write_layout(tmp_path / "layout", made)


@pytest.fixture
def client(aws: Callable[..., Any]) -> Any:
    return aws("lambda")


@pytest.fixture
def deploy(client: Any, unique: str) -> Iterator[Deploy]:
    """`deploy(uri, **settings)` creates a function of the image and waits until it is active; gives its name."""
    names: list[str] = []

    def create(uri: str, **settings: Any) -> str:
        name = f"{unique}-{len(names)}"
        client.create_function(
            FunctionName=name, PackageType="Image", Role=ROLE, Code={"ImageUri": uri}, MemorySize=256, **settings
        )
        names.append(name)
        active(client, name)
        return name

    yield create
    for name in names:
        client.delete_function(FunctionName=name)


def invoke(client: Any, name: str, event: Any = None) -> Any:
    return json.loads(client.invoke(FunctionName=name, Payload=json.dumps(event))["Payload"].read())


def whole(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what differs from call to call."""
    return {member: value for member, value in answer.items() if member not in ALTERED}


def log_of(aws: Callable[..., Any], name: str, wanted: str) -> list[str]:
    """The function's log, as soon as it holds what is waited for."""
    logs = aws("logs")
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s:
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        if any(wanted in event["message"] for event in events):
            return [event["message"] for event in events]
        threading.Event().wait(0.05)
    raise AssertionError(f"{wanted!r} is not in the log of {name}")


def test_an_image_is_deployed_from_a_layout_shown_whole_and_run(
    client: Any, unique: str, layout: Path, aws: Callable[..., Any]
) -> None:
    digest = _digest(layout, "v1")
    config = {"Command": ["app.handler"]}
    expected = {
        "FunctionName": unique,
        "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{unique}",
        "Role": ROLE,
        "CodeSize": 0,
        "Description": "",
        "Timeout": 3,
        "MemorySize": 256,
        "CodeSha256": digest.removeprefix("sha256:"),
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "PackageType": "Image",
        "ImageConfigResponse": {"ImageConfig": config},
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{unique}"},
    }
    pending = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
    uri = f"oci:{layout}:v1"
    created = client.create_function(
        FunctionName=unique, PackageType="Image", Role=ROLE, Code={"ImageUri": uri}, MemorySize=256, ImageConfig=config
    )
    assert (created["ResponseMetadata"]["HTTPStatusCode"], whole(created)) == (201, {**expected, **pending})
    active(client, unique)
    done = {"State": "Active", "LastUpdateStatus": "Successful"}
    shown = client.get_function(FunctionName=unique)
    assert whole(shown["Configuration"]) == {**expected, **done}
    assert shown["Code"] == {
        "RepositoryType": "ECR",
        "ImageUri": uri,
        "ResolvedImageUri": f"oci:{layout}@{digest}",
    }
    assert whole(client.get_function_configuration(FunctionName=unique)) == {**expected, **done}
    (listed,) = [each for each in client.list_functions()["Functions"] if each["FunctionName"] == unique]
    assert whole(listed) == expected

    answer = invoke(client, unique, {"a": 1})
    root = answer.pop("root")
    assert {"bin", "dev", "lambda-entrypoint.sh", "opt", "proc", "tmp", "var"} <= set(root)
    assert not {"home", "usr/share"} & set(root)
    assert answer == {
        "event": {"a": 1},
        "text": "v1",
        "cwd": "/var/task",
        "handler": "app.handler",
        "execution": f"AWS_Lambda_python{VERSION}",
        "prefix": "/var/lang",
        "user": 993,
        "mine": "image",
        "name": unique,
    }
    log = log_of(aws, unique, "REPORT")
    assert log[0].startswith("START RequestId: ")  # an image has no runtime version that INIT_START could show
    client.delete_function(FunctionName=unique)


def test_an_update_to_another_image_runs_it(client: Any, deploy: Deploy, layout: Path) -> None:
    name = deploy(f"oci:{layout}:v1", Environment={"Variables": {"MINE": "function"}})
    published = client.publish_version(FunctionName=name)
    assert published["CodeSha256"] == _digest(layout, "v1").removeprefix("sha256:")
    answer = client.update_function_code(FunctionName=name, ImageUri=f"oci:{layout}:v2")
    assert (answer["LastUpdateStatus"], answer["CodeSha256"]) == (
        "InProgress",
        _digest(layout, "v2").removeprefix("sha256:"),
    )
    active(client, name)
    assert client.get_function(FunctionName=name)["Code"]["ImageUri"] == f"oci:{layout}:v2"
    latest = invoke(client, name)
    assert (latest["text"], latest["mine"]) == ("v2", "function")
    first = client.invoke(FunctionName=f"{name}:1")
    assert json.loads(first["Payload"].read())["text"] == "v1"


def test_a_tag_that_moves_changes_nothing_until_the_function_is_updated(
    client: Any, deploy: Deploy, layout: Path, base: Sequence[Blob]
) -> None:
    name = deploy(f"oci:{layout}:v1")
    write_layout(layout, {"v1": function(base, {"app.py": LOOK, "text": "moved"})})
    client.update_function_configuration(FunctionName=name, Timeout=9)
    active(client, name)
    assert invoke(client, name)["text"] == "v1"
    client.update_function_code(FunctionName=name, ImageUri=f"oci:{layout}:v1")
    active(client, name)
    assert invoke(client, name)["text"] == "moved"


def test_image_config_takes_the_place_of_what_the_image_says(client: Any, deploy: Deploy, layout: Path) -> None:
    name = deploy(f"oci:{layout}:v1", ImageConfig={"WorkingDirectory": "/tmp"})
    assert invoke(client, name)["cwd"] == "/tmp"
    changed = client.update_function_configuration(
        FunctionName=name, ImageConfig={"EntryPoint": ["/bin/sh", "/lambda-entrypoint.sh"], "Command": ["app.handler"]}
    )
    assert changed["ImageConfigResponse"] == {
        "ImageConfig": {"EntryPoint": ["/bin/sh", "/lambda-entrypoint.sh"], "Command": ["app.handler"]}
    }
    active(client, name)
    assert invoke(client, name)["cwd"] == "/var/task"
    removed = client.update_function_configuration(FunctionName=name, ImageConfig={})
    assert "ImageConfigResponse" not in removed
    active(client, name)
    assert invoke(client, name)["text"] == "v1"


def test_an_error_of_the_handler_is_the_function_s(client: Any, deploy: Deploy, layout: Path) -> None:
    name = deploy(f"oci:{layout}:v1")
    answer = client.invoke(FunctionName=name, Payload=b'"raise"')
    told = json.loads(answer["Payload"].read())
    assert (answer["FunctionError"], told["errorType"], told["errorMessage"]) == (
        "Unhandled",
        "ValueError",
        "on purpose",
    )


@pytest.mark.parametrize(
    ("config", "error_type", "what"),
    [
        ({"EntryPoint": ["/nope"]}, "Runtime.InvalidEntrypoint", "fork/exec /nope: no such file or directory"),
        ({"EntryPoint": ["nope"]}, "Runtime.InvalidEntrypoint", 'exec: "nope": executable file not found in $PATH'),
        (
            {"EntryPoint": ["/var/task/text"]},
            "Runtime.InvalidEntrypoint",
            "fork/exec /var/task/text: permission denied",
        ),
        ({"WorkingDirectory": "/gone"}, "Runtime.InvalidWorkingDir", "chdir /gone: no such file or directory"),
        ({"Command": []}, "Runtime.InvalidEntrypoint", None),
    ],
)
def test_a_command_that_cannot_be_started_is_told_in_aws_s_words(
    client: Any,
    deploy: Deploy,
    layout: Path,
    aws: Callable[..., Any],
    config: dict[str, Any],
    error_type: str,
    what: str | None,
) -> None:
    if what is None:
        layout = write_layout(layout.parent / "bare", {"v1": image([blob(Layer().file("x", "y"))])})
        what = "exec: no command"
    name = deploy(f"oci:{layout}:v1", ImageConfig=config)
    answer = client.invoke(FunctionName=name)
    told = json.loads(answer["Payload"].read())
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert told == {"errorType": error_type, "errorMessage": f"RequestId: {request_id} Error: {what}"}
    assert any(
        line.startswith(f"IMAGE\tLaunch error: {what}\tEntrypoint: [") for line in log_of(aws, name, "Launch error")
    )


def test_extensions_of_an_image_run_beside_it(
    client: Any, deploy: Deploy, aws: Callable[..., Any], base: Sequence[Blob], tmp_path: Path
) -> None:
    extension = blob(Layer().file("opt/extensions/watcher.py", EXTENSION, 0o755))
    layout = write_layout(tmp_path / "watched", {"v1": function([*base, extension], {"app.py": LOOK, "text": "v1"})})
    name = deploy(f"oci:{layout}:v1")
    assert invoke(client, name)["text"] == "v1"
    log = log_of(aws, name, "REPORT")
    assert "EXTENSION\tName: watcher.py\tState: Ready\tEvents: [INVOKE]\n" in log
    assert "the extension saw INVOKE\n" in log


def test_a_command_that_ends_is_told_with_its_exit_status(client: Any, deploy: Deploy, layout: Path) -> None:
    shell = {"EntryPoint": ["/bin/sh", "-c"], "Command": ["exit 142"]}
    answer = client.invoke(FunctionName=deploy(f"oci:{layout}:v1", ImageConfig=shell))
    told = json.loads(answer["Payload"].read())
    assert told["errorType"] == "Runtime.ExitError"
    assert told["errorMessage"].endswith("Error: Runtime exited with error: exit status 142")


def test_the_root_of_an_image_is_read_only_and_shut_in_like_any_other(
    client: Any, deploy: Deploy, layout: Path
) -> None:
    script = "(: > /x) && exit 1; (: > /var/task/x) && exit 2; (: > /tmp/x) || exit 3; exit 42"
    shell = {"EntryPoint": ["/bin/sh", "-c"], "Command": [script]}
    told = invoke(client, deploy(f"oci:{layout}:v1", ImageConfig=shell))
    assert told["errorMessage"].endswith("exit status 42")


def test_what_does_not_fit_the_package_type_is_refused(client: Any, unique: str, layout: Path) -> None:
    uri = f"oci:{layout}:v1"
    good: dict[str, Any] = {"FunctionName": unique, "Role": ROLE, "PackageType": "Image", "Code": {"ImageUri": uri}}
    missing = f"oci:{layout}:v3"
    invalid = "InvalidParameterValueException"
    for change, sentence in (
        ({"Code": {"ImageUri": missing}}, f"Source image {missing} does not exist. Provide a valid source image."),
        ({"Code": {"ImageUri": "no uri"}}, "Source image no uri is not valid. Provide a valid source image."),
        ({"Code": {}}, "Please provide ImageUri when creating a function with packageType Image."),
        (
            {"Code": {"ZipFile": b"x"}},
            "Please don't provide ZipFile when creating a function with packageType Image.",
        ),
        (
            {"PackageType": "Zip", "Runtime": "python3.11", "Handler": "a.b"},
            "Please don't provide ImageUri when creating a function with packageType Zip.",
        ),
        (
            {"Runtime": "python3.11", "Handler": "a.b"},
            "Please don't provide handler or runtime or layer when the intended function PackageType is Image.",
        ),
        (
            {"Architectures": ["arm64"]},
            f"Source image {uri} cannot be used: the image is for linux/amd64, not for linux/arm64.",
        ),
        ({"ImageConfig": {"WorkingDirectory": "relative"}}, "WorkingDirectory relative is not an absolute path."),
        ({"ImageConfig": {"Command": ["x" * 17_000]}}, "ImageConfig must be smaller than 16384 bytes."),
    ):
        status, answer = refused(client.create_function, **{**good, **change})
        assert (status, answer["Error"]) == (400, {"Code": invalid, "Message": sentence})


def test_an_image_function_stays_one(client: Any, deploy: Deploy, layout: Path, unique: str) -> None:
    name = deploy(f"oci:{layout}:v1")
    for call, params, sentence in (
        (
            client.update_function_code,
            {"ZipFile": b"x"},
            "Please don't provide ZipFile when updating a function with packageType Image.",
        ),
        (
            client.update_function_code,
            {},
            "Please provide ImageUri when updating a function with packageType Image.",
        ),
        (
            client.update_function_configuration,
            {"Handler": "a.b"},
            "Please don't provide handler or runtime or layer when the intended function PackageType is Image.",
        ),
    ):
        status, answer = refused(call, FunctionName=name, **params)
        assert (status, answer["Error"]["Message"]) == (400, sentence)


@pytest.mark.slow
def test_a_function_whose_image_is_being_unpacked_becomes_active_after_a_crash(layout: Path) -> None:
    with running_server() as server:
        client = server.client("lambda")
        client.create_function(
            FunctionName="f", PackageType="Image", Role=ROLE, Code={"ImageUri": f"oci:{layout}:v1"}, MemorySize=256
        )
        server.kill()
        server.start()
        client = server.client("lambda")
        active(client, "f")
        assert invoke(client, "f")["text"] == "v1"


@pytest.mark.slow
def test_images_that_no_version_has_are_gone_after_the_next_start(layout: Path) -> None:
    with running_server() as server:
        client = server.client("lambda")
        for name in ("one", "two"):
            tag = "v1" if name == "one" else "v2"
            client.create_function(
                FunctionName=name, PackageType="Image", Role=ROLE, Code={"ImageUri": f"oci:{layout}:{tag}"}
            )
            active(client, name)
        roots = server.data_dir / "images" / "roots"
        assert len(list(roots.iterdir())) == 2
        client.delete_function(FunctionName="one")
        server.stop()
        server.start()
        until_s = time.monotonic() + 20
        while len(list(roots.iterdir())) > 1 and time.monotonic() < until_s:
            threading.Event().wait(0.05)
        assert [path.name for path in roots.iterdir()] == [_digest(layout, "v2").removeprefix("sha256:")]
        assert invoke(server.client("lambda"), "two")["text"] == "v2"


def test_the_process_sandbox_refuses_images_and_says_why(layout: Path) -> None:
    with running_server("--sandbox", "process") as server:
        uri = f"oci:{layout}:v1"
        status, answer = refused(
            server.client("lambda").create_function,
            FunctionName="f",
            PackageType="Image",
            Role=ROLE,
            Code={"ImageUri": uri},
        )
        assert (status, answer["Error"]["Message"]) == (
            400,
            f"Source image {uri} cannot be used: container images need the isolated sandbox, "
            "and `ramuda doctor` says what is missing for it.",
        )


@pytest.mark.slow
def test_an_image_that_vanishes_before_it_is_unpacked_fails_the_function(layout: Path) -> None:
    with running_server() as server:
        client = server.client("lambda")
        digest = _digest(layout, "v1").removeprefix("sha256:")
        manifest = json.loads((layout / "blobs" / "sha256" / digest).read_text())
        (layout / "blobs" / "sha256" / manifest["layers"][-1]["digest"].removeprefix("sha256:")).unlink()
        client.create_function(FunctionName="f", PackageType="Image", Role=ROLE, Code={"ImageUri": f"oci:{layout}:v1"})
        until_s = time.monotonic() + 20
        shown = client.get_function_configuration(FunctionName="f")
        while shown["State"] == "Pending" and time.monotonic() < until_s:
            threading.Event().wait(0.05)
            shown = client.get_function_configuration(FunctionName="f")
        assert (shown["State"], shown["StateReasonCode"]) == ("Failed", "ImageDeleted")
        assert shown["StateReason"].startswith(f"The container image oci:{layout}@sha256:{digest} was deleted: ")


def _digest(layout: Path, tag: str) -> str:
    index = json.loads((layout / "index.json").read_text())
    (found,) = [
        each["digest"] for each in index["manifests"] if each["annotations"]["org.opencontainers.image.ref.name"] == tag
    ]
    return str(found)
