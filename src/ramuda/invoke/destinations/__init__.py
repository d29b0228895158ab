"""Where records of asynchronous invocations go: one `kernel.ports.target.Target` for each AWS service.

The services are asked through `ports.Api`, whether they are served here or delegated. What a request says is built by
pure functions (`record`, `send_message`, `publish` ...). A target acts as the account that its ARN names: the execution
role's permissions are not looked at. Where that is too much, only targets of the function's own account are served.
"""

from collections.abc import Mapping

from ramuda.invoke.destinations.events import BusTarget
from ramuda.invoke.destinations.lambda_ import Enqueue, FunctionTarget
from ramuda.invoke.destinations.own_account import OwnAccount
from ramuda.invoke.destinations.s3 import BucketTarget
from ramuda.invoke.destinations.sns import TopicTarget
from ramuda.invoke.destinations.sqs import QueueTarget
from ramuda.kernel.ports.api import Api
from ramuda.kernel.ports.target import Target

__all__ = ["targets"]


def targets(api: Api, enqueue: Enqueue, *, of_other_accounts: bool = True) -> Mapping[str, Target]:
    """By the service that an ARN names."""
    every: dict[str, Target] = {
        "sqs": QueueTarget(api),
        "sns": TopicTarget(api),
        "lambda": FunctionTarget(enqueue),
        "events": BusTarget(api),
        "s3": BucketTarget(api),
    }
    return every if of_other_accounts else {service: OwnAccount(target) for service, target in every.items()}
