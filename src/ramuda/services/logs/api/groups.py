"""Log groups and their retention.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
"""

import re
from dataclasses import replace

from ramuda.kernel.call import Call, Result
from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import ApiError
from ramuda.services.logs import rules
from ramuda.services.logs.api.missing import answered
from ramuda.services.logs.model import group_arn
from ramuda.telemetry.logs import Logs
from ramuda.telemetry.model import GroupMissing, GroupPresent, LogGroup

_PAGE_DEFAULT = 50
_SCANNED_AT_ONCE = 1000


class GroupOperations:
    """What is done to log groups as a whole."""

    def __init__(self, logs: Logs, clock: Clock) -> None:
        self._logs = logs
        self._clock = clock

    async def create_log_group(self, call: Call) -> Result:
        group = LogGroup(
            ref=rules.group_of_call(call),
            created_ms=int(self._clock.time() * 1000),
            tags=call.params.get("tags", {}),
            kms_key_id=call.params.get("kmsKeyId"),
            log_class=call.params.get("logGroupClass", "STANDARD"),
            deletion_protected=call.params.get("deletionProtectionEnabled", False),
        )
        try:
            await self._logs.create_group(group)
        except GroupPresent:
            raise ApiError("ResourceAlreadyExistsException", "The specified log group already exists") from None
        return {}

    async def delete_log_group(self, call: Call) -> Result:
        ref = rules.group_of_call(call)
        with answered():
            if (await self._logs.group(ref)).deletion_protected:
                raise ApiError(
                    "ValidationException", "The log group has deletion protection enabled: disable it first."
                )
            await self._logs.delete_group(ref)
        return {}

    async def describe_log_groups(self, call: Call) -> Result:
        params = call.params
        prefix, pattern = params.get("logGroupNamePrefix", ""), params.get("logGroupNamePattern", "")
        if prefix and pattern:
            raise rules.invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
        if params.get("logGroupIdentifiers"):
            return {"logGroups": await self._named_groups(call)}
        limit = params.get("limit", _PAGE_DEFAULT)
        found = await self._logs.groups(
            call.account,
            call.region,
            after=params.get("nextToken", ""),
            prefix=prefix,
            containing=pattern,
            limit=limit + 1,
        )
        wanted_class = params.get("logGroupClass")
        shown = [group for group in found[:limit] if wanted_class in (None, group.log_class)]
        return {"logGroups": [_described(group) for group in shown], **_next_token(found, limit)}

    async def _named_groups(self, call: Call) -> list[Result]:
        found = []
        for identifier in call.params["logGroupIdentifiers"]:
            try:
                found.append(_described(await self._logs.group(rules.group_of_identifier(call, identifier))))
            except GroupMissing:
                continue
        return found

    async def list_log_groups(self, call: Call) -> Result:
        pattern = re.compile(call.params.get("logGroupNamePattern", ""))
        limit, after = call.params.get("limit", _PAGE_DEFAULT), call.params.get("nextToken", "")
        wanted_class = call.params.get("logGroupClass")
        found: list[LogGroup] = []
        more = True
        while more and len(found) <= limit:
            page = await self._logs.groups(call.account, call.region, after=after, limit=_SCANNED_AT_ONCE)
            more = len(page) == _SCANNED_AT_ONCE
            after = page[-1].ref.name if page else after
            found += [
                group for group in page if pattern.search(group.ref.name) and wanted_class in (None, group.log_class)
            ]
        return {
            "logGroups": [
                {
                    "logGroupName": group.ref.name,
                    "logGroupArn": group_arn(group.ref),
                    "logGroupClass": group.log_class,
                }
                for group in found[:limit]
            ],
            **_next_token(found, limit),
        }

    async def put_retention_policy(self, call: Call) -> Result:
        days = call.params["retentionInDays"]
        rules.check_retention(days)
        with answered():
            await self._logs.change_group(rules.group_of_call(call), lambda group: replace(group, retention_days=days))
        return {}

    async def delete_retention_policy(self, call: Call) -> Result:
        with answered():
            await self._logs.change_group(rules.group_of_call(call), lambda group: replace(group, retention_days=None))
        return {}

    async def put_log_group_deletion_protection(self, call: Call) -> Result:
        protected = call.params["deletionProtectionEnabled"]
        with answered():
            await self._logs.change_group(
                rules.group_of_call(call), lambda group: replace(group, deletion_protected=protected)
            )
        return {}


def _described(group: LogGroup) -> Result:
    shown: Result = {
        "logGroupName": group.ref.name,
        "creationTime": group.created_ms,
        "metricFilterCount": 0,
        "arn": f"{group_arn(group.ref)}:*",
        "storedBytes": group.stored_bytes,
        "logGroupClass": group.log_class,
        "logGroupArn": group_arn(group.ref),
        "deletionProtectionEnabled": group.deletion_protected,
    }
    if group.retention_days is not None:
        shown["retentionInDays"] = group.retention_days
    if group.kms_key_id is not None:
        shown["kmsKeyId"] = group.kms_key_id
    return shown


def _next_token(found: list[LogGroup], limit: int) -> Result:
    """The last name shown, when there is one more behind it."""
    return {"nextToken": found[limit - 1].ref.name} if len(found) > limit else {}
