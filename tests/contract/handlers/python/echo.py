import os


def handler(event, context):
    return {
        "event": event,
        "request_id": context.aws_request_id,
        "function": context.function_name,
        "version": context.function_version,
        "memory": context.memory_limit_in_mb,
        "arn": context.invoked_function_arn,
        "group": context.log_group_name,
        "stream": context.log_stream_name,
        "remaining": context.get_remaining_time_in_millis(),
        "trace": os.environ["_X_AMZN_TRACE_ID"],
        "greeting": os.environ["GREETING"],
        "cwd": os.getcwd(),
    }


def failing(event, context):
    raise ValueError("it is broken")
