"""The environment variables of an execution environment (pure).

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

from collections.abc import Mapping

from ramuda.kernel.function import FunctionSnapshot
from ramuda.kernel.ports.credentials import Credentials
from ramuda.kernel.ports.sandbox import FRAMES_FD
from ramuda.runtime import image_functions

XRAY_HOST, XRAY_PORT = "127.0.0.1", 2000  # nothing listens yet: the SDK's datagrams are dropped, as without sampling


def defined_by_platform(
    function: FunctionSnapshot,
    *,
    log_stream: str,
    runtime_address: str,
    credentials: Credentials,
    initialization_type: str,
    is_framed: bool = False,
) -> dict[str, str]:
    """Variables that the user cannot set."""
    variables = {
        "_HANDLER": image_functions.handler(function),
        "AWS_REGION": function.ref.region,
        "AWS_DEFAULT_REGION": function.ref.region,
        "AWS_LAMBDA_FUNCTION_NAME": function.ref.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mib),
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization_type,
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logging.group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_address,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
    }
    if is_framed:
        variables["_LAMBDA_TELEMETRY_LOG_FD"] = str(FRAMES_FD)  # the client takes it away before the handler runs
    if function.logging.json_format:
        variables["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        variables["AWS_LAMBDA_LOG_LEVEL"] = function.logging.application_level or "INFO"
    return variables


def compose(
    runtime_defaults: Mapping[str, str], platform: Mapping[str, str], function: FunctionSnapshot, endpoint: str | None
) -> dict[str, str]:
    """The complete environment: the runtime's defaults, which the user may override, the user's, then the platform's.

    `endpoint` is how the function reaches the platform's AWS APIs (`http://127.0.0.1:4566`).
    """
    defaults = {
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": f"{XRAY_HOST}:{XRAY_PORT}",
        "_AWS_XRAY_DAEMON_ADDRESS": XRAY_HOST,
        "_AWS_XRAY_DAEMON_PORT": str(XRAY_PORT),
    }
    if endpoint is not None:
        defaults["AWS_ENDPOINT_URL"] = endpoint
    return {**defaults, **runtime_defaults, **function.environment, **platform}
