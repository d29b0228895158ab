"""Limits and usage of an account in a region. https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html"""

from ramuda.kernel import limits
from ramuda.kernel.call import Call, Result
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.room import Room


async def get_account_settings(room: Room, call: Call) -> Result:
    def read(tx: Transaction) -> Result:
        functions = store.functions(tx, call.account, call.region)
        reserved = sum(function.reserved_concurrency or 0 for function in functions)
        return {
            "AccountLimit": {
                "TotalCodeSize": room.options.code_storage_bytes,
                "CodeSizeUnzipped": limits.UNZIPPED_BYTES,
                "CodeSizeZipped": limits.ZIP_UPLOAD_BYTES,
                "ConcurrentExecutions": room.options.account_concurrency,
                "UnreservedConcurrentExecutions": room.options.account_concurrency - reserved,
            },
            "AccountUsage": {
                "TotalCodeSize": store.code_bytes(tx, call.account, call.region),
                "FunctionCount": len(functions),
            },
        }

    return await room.database.read(read)


OPERATIONS = {"GetAccountSettings": get_account_settings}
