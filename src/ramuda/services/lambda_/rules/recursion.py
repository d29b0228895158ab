"""What the caller of a recursive loop is told. https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html"""

from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.rules import refusals


def stopped() -> ApiError:
    """SM, in its words: no answer is recorded."""
    message = (
        "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources "
        "and stopped your function's invocation."
    )
    return ApiError("RecursiveInvocationException", message, members=refusals.USER)
