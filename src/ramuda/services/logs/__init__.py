"""CloudWatch Logs.

Covered: log groups, streams and events; FilterLogEvents with patterns of plain terms; retention (stored, and applied by
`telemetry.retention`); tags. A group or stream that Lambda writes to is there without being made. Not yet: JSON, space-
delimited and regular-expression patterns, metric and subscription filters, Insights queries, export, live tail.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html
"""

from ramuda.kernel.call import Service
from ramuda.kernel.clock import Clock
from ramuda.services.logs.api.events import EventOperations
from ramuda.services.logs.api.groups import GroupOperations
from ramuda.services.logs.api.streams import StreamOperations
from ramuda.services.logs.api.tags import TagOperations
from ramuda.telemetry.logs import Logs


def service(logs: Logs, clock: Clock) -> Service:
    """The CloudWatch Logs API over `logs`, the same that the platform records into."""
    groups, streams = GroupOperations(logs, clock), StreamOperations(logs)
    events, tags = EventOperations(logs, clock), TagOperations(logs)
    return Service(
        name="logs",
        operations={
            "CreateLogGroup": groups.create_log_group,
            "DeleteLogGroup": groups.delete_log_group,
            "DescribeLogGroups": groups.describe_log_groups,
            "ListLogGroups": groups.list_log_groups,
            "PutRetentionPolicy": groups.put_retention_policy,
            "DeleteRetentionPolicy": groups.delete_retention_policy,
            "PutLogGroupDeletionProtection": groups.put_log_group_deletion_protection,
            "CreateLogStream": streams.create_log_stream,
            "DeleteLogStream": streams.delete_log_stream,
            "DescribeLogStreams": streams.describe_log_streams,
            "PutLogEvents": events.put_log_events,
            "GetLogEvents": events.get_log_events,
            "FilterLogEvents": events.filter_log_events,
            "TagResource": tags.tag_resource,
            "UntagResource": tags.untag_resource,
            "ListTagsForResource": tags.list_tags_for_resource,
            "TagLogGroup": tags.tag_log_group,
            "UntagLogGroup": tags.untag_log_group,
            "ListTagsLogGroup": tags.list_tags_log_group,
        },
    )
