"""What a function's layers bring as external extensions, and the environment these see.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html#runtimes-extensions-api-reg"""

from collections.abc import Mapping
from pathlib import Path

from ramuda.kernel.function import FunctionSnapshot

FOLDER = "extensions"
DISABLED = "disable-extensions-jwigqn8j"
"""A file of this name in /opt disables extensions."""

HIDDEN_VARIABLES = frozenset(
    {
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_XRAY_CONTEXT_MISSING",
        "AWS_XRAY_DAEMON_ADDRESS",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "_AWS_XRAY_DAEMON_ADDRESS",
        "_AWS_XRAY_DAEMON_PORT",
        "_HANDLER",
        "_LAMBDA_TELEMETRY_LOG_FD",
    }
)


def names(function: FunctionSnapshot) -> tuple[str, ...]:
    """Files of /opt/extensions, in the order in which they are started. The function made these folders: a link in
    them is not followed, so that nothing of the host is listed."""
    opt = function.opt_dir if function.image is None else function.image.root / "opt"
    if opt is None:
        return ()
    folder = opt / FOLDER
    if any(path.is_symlink() for path in (opt, folder)) or not folder.is_dir() or (opt / DISABLED).exists():
        return ()
    return tuple(sorted(path.name for path in folder.iterdir() if _is_program(path)))


def _is_program(path: Path) -> bool:
    return path.is_symlink() or path.is_file()


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The function's variables without those that extensions do not see."""
    return {name: value for name, value in variables.items() if name not in HIDDEN_VARIABLES}
