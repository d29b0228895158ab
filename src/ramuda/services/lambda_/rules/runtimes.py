"""Which runtime identifiers Lambda takes, and what it says of the others.

Sources: the service model's Runtime enumeration; refusals recorded in January 2026. Newer identifiers are taken as
well.
"""

import hashlib
from collections.abc import Sequence

from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.rules import refusals

# In the order in which AWS enumerates them when it refuses another.
_ENUMERATED = [
    "nodejs20.x",
    "python3.14",
    "provided.al2023",
    "python3.12",
    "python3.13",
    "nodejs24.x",
    "nodejs22.x",
    "java25",
    "python3.10",
    "python3.11",
    "java21",
    "ruby3.3",
    "ruby3.4",
    "ruby3.2",
    "python3.8",
    "python3.9",
    "java17",
    "nodejs16.x",
    "dotnet10",
    "dotnet8",
    "java11",
    "dotnet6",
    "nodejs18.x",
    "provided.al2",
    "java8.al2",
]
_NEWER = ["nodejs26.x", "python3.15", "ruby4.0", "java8.al2023", "java11.al2023", "java17.al2023"]
SUPPORTED = frozenset([*_ENUMERATED, *_NEWER])
DEPRECATED = frozenset(
    [
        "nodejs",
        "nodejs4.3",
        "nodejs4.3-edge",
        "nodejs6.10",
        "nodejs8.10",
        "nodejs10.x",
        "nodejs12.x",
        "nodejs14.x",
        "java8",
        "python2.7",
        "python3.6",
        "python3.7",
        "dotnetcore1.0",
        "dotnetcore2.0",
        "dotnetcore2.1",
        "dotnetcore3.1",
        "go1.x",
        "ruby2.5",
        "ruby2.7",
        "provided",
    ]
)
_SNAP_START = frozenset(
    ["java11", "java17", "java21", "java25", "python3.12", "python3.13", "python3.14", "dotnet8", "dotnet10"]
)


def check(runtime: str) -> None:
    """Raises AWS's refusal unless functions may be created with `runtime`."""
    if runtime in SUPPORTED:
        return
    if runtime in DEPRECATED:
        raise refusals.invalid(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
    raise refusals.invalid(
        f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
        f"[{', '.join(_ENUMERATED)}] or be a valid ARN"
    )


def check_compatible(names: Sequence[str]) -> None:
    """Raises AWS's refusal unless a layer may say that it is compatible with all of these."""
    if all(name in SUPPORTED or name in DEPRECATED for name in names):
        return
    raise ApiError(
        "ValidationException",
        f"1 validation error detected: Value '[{', '.join(names)}]' at 'compatibleRuntimes' "
        "failed to satisfy constraint: "
        f"Member must satisfy constraint: [Member must satisfy enum value set: [{', '.join(_ENUMERATED)}], "
        "Member must not be null]",
        status=400,
    )


def check_snap_start(runtime: str) -> None:
    """Raises AWS's refusal unless SnapStart works with `runtime`."""
    if runtime not in _SNAP_START:
        raise refusals.invalid(f"{runtime} is not supported for SnapStart enabled functions.")


def version_arn(runtime: str, region: str) -> str:
    """RuntimeVersionArn: stable for a runtime; AWS's hash stands for one release of it."""
    return f"arn:aws:lambda:{region}::runtime:{hashlib.sha256(runtime.encode()).hexdigest()}"
