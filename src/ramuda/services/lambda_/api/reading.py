"""Finding what a call names, or answering that it is not there."""

from ramuda.kernel.call import Call
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.model import LATEST, Function, Version
from ramuda.services.lambda_.rules import names, refusals
from ramuda.services.lambda_.store import tables


def named(call: Call) -> names.Named:
    """The FunctionName and Qualifier of a call."""
    return names.parse(call.params["FunctionName"], call.account, call.region, call.params.get("Qualifier"))


def unqualified(call: Call) -> names.Named:
    """The FunctionName of a call that is about a function as a whole."""
    return names.parse_unqualified(call.params["FunctionName"], call.account, call.region)


def unqualified_or_latest(call: Call) -> names.Named:
    """The FunctionName of a call that changes `$LATEST`."""
    found = names.parse(call.params["FunctionName"], call.account, call.region)
    if found.qualifier not in (None, LATEST):
        raise refusals.functions_only()
    return found


def function(tx: Transaction, name: names.Named) -> Function:
    found = store.function(tx, name.account, name.region, name.name)
    if found is None:
        raise refusals.function_not_found(name.function_arn)
    return found


def version(tx: Transaction, name: names.Named) -> Version:
    """The version that the qualifier names, or that the alias of that name points at (the first of two)."""
    number = name.version
    if not names.is_version(number):
        alias = tables.aliases.get(tx, name.account, name.region, name.name, number)
        if alias is None:
            raise refusals.function_not_found(name.arn)
        number = alias.version
    found = store.version(tx, name.account, name.region, name.name, number)
    if found is None:
        raise refusals.function_not_found(name.arn)
    return found
