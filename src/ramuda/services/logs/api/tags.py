"""Tags of log groups, by ARN and by the older operations that take a name.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagResource.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ramuda.kernel.call import Call, Result
from ramuda.kernel.errors import ApiError
from ramuda.services.logs import rules
from ramuda.services.logs.api.missing import answered
from ramuda.telemetry.logs import Logs
from ramuda.telemetry.model import GroupRef, LogGroup


class TagOperations:
    """Every operation exists twice, new and old."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    async def tag_resource(self, call: Call) -> Result:
        return await self._add(rules.group_of_arn(call, call.params["resourceArn"]), call.params["tags"])

    async def tag_log_group(self, call: Call) -> Result:
        return await self._add(rules.group_of_call(call), call.params["tags"])

    async def untag_resource(self, call: Call) -> Result:
        return await self._remove(rules.group_of_arn(call, call.params["resourceArn"]), call.params["tagKeys"])

    async def untag_log_group(self, call: Call) -> Result:
        return await self._remove(rules.group_of_call(call), call.params["tags"])

    async def list_tags_for_resource(self, call: Call) -> Result:
        return await self._list(rules.group_of_arn(call, call.params["resourceArn"]))

    async def list_tags_log_group(self, call: Call) -> Result:
        return await self._list(rules.group_of_call(call))

    async def _add(self, ref: GroupRef, tags: Mapping[str, str]) -> Result:
        def change(group: LogGroup) -> LogGroup:
            changed = {**group.tags, **tags}
            if len(changed) > rules.GROUP_TAGS_MAX:
                raise ApiError(
                    "TooManyTagsException",
                    f"A log group can have at most {rules.GROUP_TAGS_MAX} tags.",
                    members={"resourceName": ref.name},
                )
            return replace(group, tags=changed)

        with answered():
            await self._logs.change_group(ref, change)
        return {}

    async def _remove(self, ref: GroupRef, keys: Iterable[str]) -> Result:
        def change(group: LogGroup) -> LogGroup:
            return replace(group, tags={key: value for key, value in group.tags.items() if key not in keys})

        with answered():
            await self._logs.change_group(ref, change)
        return {}

    async def _list(self, ref: GroupRef) -> Result:
        with answered():
            return {"tags": (await self._logs.group(ref)).tags}
