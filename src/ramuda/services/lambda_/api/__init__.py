"""The operations of the Lambda API, one file per resource.

To add an operation: write it in its resource's file as `async def its_name(room: Room, call: Call) -> Result` and
list it in that file's OPERATIONS. To add a resource (aliases, event source mappings ...): a file here, and its name
in `_RESOURCES`.
"""

from collections.abc import Mapping
from functools import partial

from ramuda.kernel.call import Operation
from ramuda.services.lambda_.api import (
    account,
    aliases,
    code_signing,
    concurrency,
    event_invoke_configs,
    event_source_mappings,
    functions,
    invocations,
    layer_policies,
    layers,
    policies,
    provisioned_concurrency,
    recursion,
    resource_policies,
    response_streams,
    runtime_management,
    tags,
    urls,
    versions,
)
from ramuda.services.lambda_.room import Room

_RESOURCES = (
    account,
    aliases,
    code_signing,
    concurrency,
    event_invoke_configs,
    event_source_mappings,
    functions,
    invocations,
    layer_policies,
    layers,
    policies,
    provisioned_concurrency,
    recursion,
    resource_policies,
    response_streams,
    runtime_management,
    tags,
    urls,
    versions,
)


def bind(room: Room) -> Mapping[str, Operation]:
    """Every operation, working on `room`."""
    return {name: partial(operation, room) for file in _RESOURCES for name, operation in file.OPERATIONS.items()}
