"""Who is calling. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""

from ramuda.kernel.call import Call, Result


async def get_caller_identity(call: Call) -> Result:
    return {"UserId": call.principal.user_id, "Account": call.principal.account, "Arn": call.principal.arn}
