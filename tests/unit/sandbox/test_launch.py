"""When a function's runtime can use the waiting process, and when it needs one of its own."""

from pathlib import Path

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Assignment, Boot, RuntimeSpec
from ramuda.sandbox.isolated.launch import Launch, Loaded, plan

ENVIRONMENT = (("LD_LIBRARY_PATH", "/var/lang/lib"), ("PYTHONPATH", "/var/runtime"))
LOADED = Loaded(
    standard=frozenset({"json", "calendar"}), client=frozenset({"awslambdaric"}), added=frozenset({"boto3", "urllib3"})
)
EXECUTED = ("/python", "-m", "awslambdaric")


def spec(boot: Boot) -> RuntimeSpec:
    return RuntimeSpec(name="r", boot=boot, argv=("/program",), exec_argv=EXECUTED, environment=ENVIRONMENT)


def given(task_dir: Path, *, env: dict[str, str] | None = None, wrapper: str | None = None) -> Assignment:
    return Assignment(
        function_arn="arn:aws:lambda:us-east-1:000000000000:function:f:1",
        task_dir=task_dir,
        opt_dir=None,
        handler="main.handler",
        env={**dict(ENVIRONMENT), **(env or {})},
        memory_mib=128,
        tmp_mib=512,
        vcpus=0.07,
        exec_wrapper=wrapper,
    )


def with_files(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("boot", "env", "wrapper", "expected"),
    [
        (Boot.FORK, {}, None, Launch(afresh=False, argv=None)),
        (Boot.FORK, {"NAME": "value"}, None, Launch(afresh=False, argv=None)),
        (Boot.FORK, {"LD_PRELOAD": "/opt/x.so"}, None, Launch(afresh=False, argv=EXECUTED)),
        (Boot.FORK, {"PYTHONPATH": "/opt/mine"}, None, Launch(afresh=False, argv=EXECUTED)),
        (Boot.FORK, {"PYTHONWARNINGS": "error"}, None, Launch(afresh=False, argv=EXECUTED)),
        (Boot.FORK, {}, "/opt/wrap", Launch(afresh=False, argv=("/opt/wrap", *EXECUTED))),
        (Boot.WAIT, {}, None, Launch(afresh=False, argv=None)),
        (Boot.WAIT, {"NODE_OPTIONS": "--require x"}, None, Launch(afresh=True, argv=EXECUTED)),
        (Boot.WAIT, {}, "/opt/wrap", Launch(afresh=True, argv=("/opt/wrap", *EXECUTED))),
        (Boot.EXEC, {"LD_PRELOAD": "/opt/x.so"}, None, Launch(afresh=False, argv=EXECUTED)),
    ],
)
def test_how_it_starts_follows_boot_variables_and_wrapper(
    tmp_path: Path, boot: Boot, env: dict[str, str], wrapper: str | None, expected: Launch
) -> None:
    task_dir = with_files(tmp_path / "task", "main.py")
    assert plan(spec(boot), given(task_dir, env=env, wrapper=wrapper), LOADED) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("main.py", Launch(afresh=False, argv=None)),
        ("urllib3.py", Launch(afresh=False, argv=None, forget=("boto3", "urllib3"))),
        ("calendar.py", Launch(afresh=False, argv=EXECUTED)),
        ("awslambdaric", Launch(afresh=False, argv=EXECUTED)),
    ],
)
def test_how_it_starts_follows_the_modules_that_the_function_brings(
    tmp_path: Path, name: str, expected: Launch
) -> None:
    assert plan(spec(Boot.FORK), given(with_files(tmp_path / "task", name)), LOADED) == expected


def test_an_environment_that_no_pipe_holds_is_refused(tmp_path: Path) -> None:
    assignment = given(tmp_path, env={"BIG": "x" * 70_000})
    with pytest.raises(PortError, match="more than 61440 bytes"):
        plan(spec(Boot.FORK), assignment, LOADED).message(assignment)
