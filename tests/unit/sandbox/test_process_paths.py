"""The process backend's translation of paths."""

from pathlib import Path

from ramuda.kernel.ports.sandbox import Assignment, Boot, Mount, RuntimeSpec
from ramuda.sandbox.process import paths

TRANSLATE = paths.Translation({"/var/task": "/code/f", "/opt": "/layers/f", "/var/lang": "/pyenv", "/tmp": "/work/t"})


def test_whole_prefixes_are_replaced_wherever_they_stand() -> None:
    assert {text: TRANSLATE(text) for text in EXAMPLES} == EXAMPLES


EXAMPLES = {
    "/var/task": "/code/f",
    "/var/task/lib": "/code/f/lib",
    "/var/taskforce": "/var/taskforce",
    "/usr/var/task": "/usr/var/task",
    "/usr/bin:/bin:/opt/bin": "/usr/bin:/bin:/layers/f/bin",
    "/var/lang/lib:/lib64:/var/task:/opt/lib": "/pyenv/lib:/lib64:/code/f:/layers/f/lib",
    "-Djava.io.tmpdir=/tmp,x": "-Djava.io.tmpdir=/work/t,x",
    "/optional": "/optional",
    "nothing to see": "nothing to see",
}


def test_a_forked_python_becomes_its_command_with_the_layers_on_its_path(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    (layer / "python/lib/python3.12/site-packages").mkdir(parents=True)
    spec = RuntimeSpec(
        name="python3.12",
        boot=Boot.FORK,
        argv=("/var/lang/bin/python3.12",),
        exec_argv=("/var/lang/bin/python3.12", "-m", "awslambdaric"),
        runtime_dir=tmp_path / "client",
        mounts=(Mount(host=tmp_path / "python", inside="/var/lang"),),
    )
    given = Assignment(
        function_arn="arn",
        task_dir=tmp_path / "task",
        opt_dir=layer,
        handler="main.handler",
        env={"PYTHONPATH": "/var/runtime", "LAMBDA_TASK_ROOT": "/var/task"},
        memory_mib=128,
        tmp_mib=512,
        vcpus=0.1,
        exec_wrapper="/opt/wrap",
    )
    translate = paths.translation(spec, given, tmp_path / "tmp", tmp_path / "empty")
    assert paths.command(spec, given, translate) == [
        f"{layer}/wrap",
        f"{tmp_path}/python/bin/python3.12",
        "-m",
        "awslambdaric",
    ]
    assert paths.environment(spec, given, translate, tmp_path / "tmp") == {
        "LAMBDA_TASK_ROOT": f"{tmp_path}/task",
        "PYTHONPATH": f"{layer}/python:{layer}/python/lib/python3.12/site-packages:{tmp_path}/client",
        "TMPDIR": f"{tmp_path}/tmp",
    }
