"""Function URL configurations: what they look like, what is refused, and the address of a URL (pure).

Sources: recorded answers; the service model;
https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
"""

from typing import Any
from urllib.parse import urlsplit

from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.model import FunctionUrl
from ramuda.services.lambda_.rules import refusals

ID_LENGTH = 32
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
BUFFERED, RESPONSE_STREAM = "BUFFERED", "RESPONSE_STREAM"
NONE, AWS_IAM = "NONE", "AWS_IAM"


def url_id(random: int) -> str:
    """32 characters of `[a-z0-9]` from at least 166 random bits."""
    characters = []
    for _ in range(ID_LENGTH):
        random, digit = divmod(random, len(_DIGITS))
        characters.append(_DIGITS[digit])
    return "".join(characters)


def domain(url: FunctionUrl, endpoint: str) -> str:
    """`<url-id>.lambda-url.<region>.localhost:4566`, for a caller that reached the platform at `endpoint`: names that
    end in `.localhost` are this machine, any other host keeps its name, for whoever gave it a wildcard in DNS."""
    parts = urlsplit(endpoint)
    host = parts.hostname or "localhost"
    if ":" in host or host.rpartition(".")[2].isdecimal():  # an address has no names below it
        host = "localhost"
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{url.url_id}.lambda-url.{url.region}.{host}{port}"


def configuration(url: FunctionUrl, endpoint: str) -> dict[str, Any]:
    """As Create answers it; InvokeMode and Cors are shown when they were given (recorded)."""
    shown: dict[str, Any] = {
        "FunctionUrl": f"http://{domain(url, endpoint)}/",
        "FunctionArn": url.function_arn,
        "AuthType": url.auth_type,
        "CreationTime": url.creation_time,
    }
    if url.cors is not None:
        shown["Cors"] = url.cors
    if url.invoke_mode is not None:
        shown["InvokeMode"] = url.invoke_mode
    return shown


def updated(url: FunctionUrl, endpoint: str) -> dict[str, Any]:
    """As Update answers it."""
    return {**configuration(url, endpoint), "LastModifiedTime": url.last_modified_time}


def described(url: FunctionUrl, endpoint: str) -> dict[str, Any]:
    """As Get and List answer it, which always show an InvokeMode."""
    return {"InvokeMode": BUFFERED, **updated(url, endpoint)}


def cors(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """The Cors to keep: an empty one is none."""
    return given or None


# --- refusals -------------------------------------------------------------------------------------------------------


def no_function() -> ApiError:
    return refusals.not_found("Function does not exist")


def no_configuration() -> ApiError:
    return refusals.not_found("The resource you requested does not exist.")


def exists(function_arn: str) -> ApiError:
    return refusals.conflict(
        f"Failed to create function url config for [functionArn = {function_arn}]. "
        "Error message:  FunctionUrlConfig exists for this Lambda function"
    )


def forbidden() -> ApiError:
    """What whoever may not use a URL is told, and whoever asks for one that leads nowhere (recorded)."""
    return ApiError(
        "AccessDeniedException",
        "Forbidden. For troubleshooting Function URL authorization issues, see: "
        "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html",
        status=403,
    )
