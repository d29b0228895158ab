"""How a function that is an image runs: its spec, its command, what is kept ready, what the log says."""

from pathlib import Path

from ramuda.kernel.function import FunctionRef, FunctionSnapshot, ImageUse, LoggingConfig
from ramuda.kernel.ports.sandbox import Boot, Exit, RuntimeSpec
from ramuda.runtime import image_functions, reports, variables
from ramuda.runtime.options import Options
from ramuda.runtime.prepared import Pool

IMAGE = ImageUse(
    digest="sha256:" + "0123456789abcdef" * 4,
    root=Path("/images/root"),
    entry_point=("/lambda-entrypoint.sh",),
    command=("app.handler",),
    working_dir="/var/task",
    environment=(("LANG", "C"), ("MINE", "image")),
)


def function(image: ImageUse | None = IMAGE, **environment: str) -> FunctionSnapshot:
    return FunctionSnapshot(
        ref=FunctionRef(account="0", region="r", name="f"),
        version="$LATEST",
        revision_id="1",
        runtime="",
        handler="zip.handler",
        role="arn",
        memory_mib=128,
        timeout_s=3,
        tmp_mib=512,
        environment=environment,
        task_dir=Path("/t"),
        logging=LoggingConfig(group="g"),
        image=image,
    )


def test_an_image_takes_the_place_of_a_runtime() -> None:
    runtime = image_functions.provided(IMAGE)
    assert (runtime.spec.name, runtime.spec.boot, runtime.spec.root) == (
        "image-0123456789ab",
        Boot.EXEC,
        Path("/images/root"),
    )
    assert runtime.runtime_version == ""
    assert image_functions.command(function()) == ("/lambda-entrypoint.sh", "app.handler")
    assert image_functions.command(function(None)) is None
    assert (image_functions.handler(function()), image_functions.handler(function(None))) == (
        "app.handler",
        "zip.handler",
    )


def test_variables_of_the_image_lie_over_the_defaults_and_under_the_function_s() -> None:
    spec = image_functions.provided(IMAGE).spec
    composed = variables.compose(dict(spec.environment), {"_HANDLER": "h"}, function(MINE="function"), None)
    assert (composed["LANG"], composed["MINE"], composed["_HANDLER"]) == ("C", "function", "h")
    assert (composed["TZ"], composed["PATH"]) == (":UTC", "/usr/local/bin:/usr/bin/:/bin:/opt/bin")


def test_sandboxes_of_an_image_are_kept_ready_only_while_they_are_taken() -> None:
    options = Options(prepared_max=3)
    pool = Pool(image_functions.provided(IMAGE).spec)
    pool.taken_s.extend([0.0, 1.0])
    assert [pool.target(now_s, options) for now_s in (2.0, 60.5, 100.0)] == [2, 1, 0]
    runtime = Pool(RuntimeSpec(name="python3.13", boot=Boot.EXEC, argv=("/var/runtime/bootstrap",), root=Path("/r")))
    assert runtime.target(100.0, options) == 1


def test_a_launch_error_is_an_outcome_and_a_line_of_the_log() -> None:
    what = "fork/exec /lambda-entrypoint.sh: exec format error"
    outcome = reports.exited("id", Exit(code=1, launch_error=("Runtime.InvalidEntrypoint", what)))
    assert outcome.error_type == "Runtime.InvalidEntrypoint"
    assert outcome.payload == (
        b'{"errorType":"Runtime.InvalidEntrypoint",'
        b'"errorMessage":"RequestId: id Error: fork/exec /lambda-entrypoint.sh: exec format error"}'
    )
    assert image_functions.launch_error(IMAGE, what) == (
        f"IMAGE\tLaunch error: {what}\tEntrypoint: [/lambda-entrypoint.sh]\tCmd: [app.handler]\t"
        "WorkingDir: [/var/task]\n"
    )
