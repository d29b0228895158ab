"""Settings of asynchronous invocation: what may be set, and what is said when it may not.

Sentences are recorded from AWS unless a comment says otherwise. Source:
https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ramuda.kernel.arn import Arn, function_arn
from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.model import LATEST, EventInvokeConfig
from ramuda.services.lambda_.rules import names, refusals

Shape = dict[str, Any]

_SERVICES = ("sqs", "sns", "lambda", "events")
_SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


def check_given(params: Mapping[str, Any]) -> None:
    """At least one setting must be given."""
    if not any(member in params for member in _SETTINGS):
        raise refusals.invalid("You must specify at least one of error handling or destination setting.")


def made(named: names.Named, params: Mapping[str, Any], now_s: float) -> EventInvokeConfig:
    """A config of these settings alone."""
    empty = EventInvokeConfig(
        account=named.account, region=named.region, name=named.name, qualifier=named.version, last_modified_s=now_s
    )
    return changed(empty, params, now_s)


def changed(config: EventInvokeConfig, params: Mapping[str, Any], now_s: float) -> EventInvokeConfig:
    """The config with the settings that are given; the others stay. An empty destination takes it away."""
    destinations = params.get("DestinationConfig", {})
    return replace(
        config,
        retries=params.get("MaximumRetryAttempts", config.retries),
        age_s=params.get("MaximumEventAgeInSeconds", config.age_s),
        on_success=_destination(destinations, "OnSuccess", config.on_success),
        on_failure=_destination(destinations, "OnFailure", config.on_failure),
        last_modified_s=now_s,
    )


def check_destinations(config: EventInvokeConfig) -> list[names.Named]:
    """Whether these can be destinations of this function, as far as their ARNs tell; the functions among them, which
    have to exist."""
    functions = []
    for destination, services in ((config.on_success, _SERVICES), (config.on_failure, (*_SERVICES, "s3"))):
        if destination is None:
            continue
        try:
            arn = Arn.parse(destination)
        except ValueError as e:
            raise invalid_destination(destination) from e
        if arn.service not in services or not arn.resource:
            raise invalid_destination(destination)
        if arn.service == "lambda":
            functions.append(_function(config, arn))
    return functions


def function_of(arn: Arn) -> tuple[str, str, str]:
    """Name, `:` or nothing, and qualifier of a function's ARN; the name is empty where it is none."""
    kind, _, rest = arn.resource.partition(":")
    return rest.partition(":") if kind == "function" else ("", "", "")


def shape(config: EventInvokeConfig) -> Shape:
    """FunctionEventInvokeConfig."""
    shown: Shape = {
        "LastModified": datetime.fromtimestamp(round(config.last_modified_s, 3), UTC),
        "FunctionArn": function_arn(config.account, config.region, config.name, config.qualifier),
        "DestinationConfig": {
            "OnSuccess": {} if config.on_success is None else {"Destination": config.on_success},
            "OnFailure": {} if config.on_failure is None else {"Destination": config.on_failure},
        },
    }
    if config.retries is not None:
        shown["MaximumRetryAttempts"] = config.retries
    if config.age_s is not None:
        shown["MaximumEventAgeInSeconds"] = config.age_s
    return shown


def not_found(named: names.Named) -> ApiError:
    arn = function_arn(named.account, named.region, named.name, named.version)
    return refusals.not_found(f"The function {arn} doesn't have an EventInvokeConfig")


def no_function() -> ApiError:
    return refusals.not_found("The function doesn't exist.")  # as AWS's users quote it


def invalid_destination(arn: str) -> ApiError:
    return refusals.invalid(f"The destination ARN {arn} is invalid.")


def _function(config: EventInvokeConfig, arn: Arn) -> names.Named:
    name, _, qualifier = function_of(arn)
    if not name:
        raise invalid_destination(str(arn))
    if (arn.account, arn.region, name) == (config.account, config.region, config.name) and (
        qualifier or LATEST
    ) == config.qualifier:
        raise refusals.invalid("You can't specify the function as a destination for itself.")
    return names.Named(account=arn.account, region=arn.region, name=name, qualifier=qualifier or None)


def _destination(destinations: Mapping[str, Any], member: str, before: str | None) -> str | None:
    given: str | None = destinations.get(member, {}).get("Destination", before)
    return given or None
