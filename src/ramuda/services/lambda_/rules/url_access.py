"""Who may use a function URL (pure).

Two permissions are needed, `lambda:InvokeFunctionUrl` and `lambda:InvokeFunction`, the second as
`lambda:InvokedViaFunctionUrl`. For AuthType NONE the resource policy must give both to everybody. For AWS_IAM the
principals of the URL's own account have them (their IAM policies are not evaluated yet) unless the resource policy
denies; those of others need both from the resource policy.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
"""

from collections.abc import Sequence
from typing import Any

from ramuda.authz import resource_policy
from ramuda.kernel.call import Principal
from ramuda.services.lambda_.model import FunctionUrl

INVOKE_URL, INVOKE = "lambda:InvokeFunctionUrl", "lambda:InvokeFunction"


def missing(
    url: FunctionUrl, statements: Sequence[dict[str, Any]], caller: Principal | None, source_ip: str
) -> str | None:
    """The first permission that the caller (None: anonymous) lacks; None when it may."""
    is_own = caller is not None and caller.account == url.account
    context: dict[str, resource_policy.Value] = {"lambda:FunctionUrlAuthType": url.auth_type, "aws:SourceIp": source_ip}
    for action, more in ((INVOKE_URL, {}), (INVOKE, {"lambda:InvokedViaFunctionUrl": True})):
        decision = resource_policy.evaluate(
            {"Statement": list(statements)},
            resource_policy.Request(
                action=action, resource=url.function_arn, principal=caller, context={**context, **more}
            ),
        )
        if decision.effect == "Deny" or not (decision.is_allowed or is_own):
            return action
    return None
