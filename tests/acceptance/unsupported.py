"""The operations of the Lambda API that are left out, with what each must be given."""

from typing import Any

from tests.conftest import ROLE

PROVIDER = {"CapacityProviderName": "p"}
EXECUTION = {
    "DurableExecutionArn": "arn:aws:lambda:us-east-1:000000000000:function:f:1/durable-execution/name/id",
}
CALLBACK = {"CallbackId": "id"}

CAPACITY_PROVIDERS: dict[str, dict[str, Any]] = {
    "CreateCapacityProvider": {
        **PROVIDER,
        "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        "PermissionsConfig": {"CapacityProviderOperatorRoleArn": ROLE},
    },
    "DeleteCapacityProvider": PROVIDER,
    "GetCapacityProvider": PROVIDER,
    "ListCapacityProviders": {},
    "ListFunctionVersionsByCapacityProvider": PROVIDER,
    "UpdateCapacityProvider": PROVIDER,
}
SCALING_CONFIGS: dict[str, dict[str, Any]] = {
    "GetFunctionScalingConfig": {"FunctionName": "f", "Qualifier": "1"},
    "PutFunctionScalingConfig": {"FunctionName": "f", "Qualifier": "1"},
}
DURABLE_EXECUTIONS: dict[str, dict[str, Any]] = {
    "CheckpointDurableExecution": {**EXECUTION, "CheckpointToken": "token"},
    "DeleteDurableExecution": EXECUTION,
    "GetDurableExecution": EXECUTION,
    "GetDurableExecutionHistory": EXECUTION,
    "GetDurableExecutionState": {**EXECUTION, "CheckpointToken": "token"},
    "ListDurableExecutionsByFunction": {"FunctionName": "f"},
    "PauseDurableExecution": EXECUTION,
    "ResumeDurableExecution": EXECUTION,
    "SendDurableExecutionCallbackFailure": CALLBACK,
    "SendDurableExecutionCallbackHeartbeat": CALLBACK,
    "SendDurableExecutionCallbackSuccess": CALLBACK,
    "StopDurableExecution": EXECUTION,
}
LEFT_OUT = CAPACITY_PROVIDERS | SCALING_CONFIGS | DURABLE_EXECUTIONS
