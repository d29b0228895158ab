def handler(event:, context:)
  {
    event: event,
    request_id: context.aws_request_id,
    function: context.function_name,
    version: context.function_version,
    memory: context.memory_limit_in_mb,
    arn: context.invoked_function_arn,
    group: context.log_group_name,
    stream: context.log_stream_name,
    remaining: context.get_remaining_time_in_millis,
    trace: ENV["_X_AMZN_TRACE_ID"],
    greeting: ENV["GREETING"],
    cwd: Dir.pwd
  }
end

def failing(event:, context:)
  raise ArgumentError, "it is broken"
end
