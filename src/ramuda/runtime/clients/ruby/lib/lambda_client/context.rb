# frozen_string_literal: true

# The `context` of an invocation.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/ruby-context.html

module LambdaClient
  class Context
    attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name,
                :memory_limit_in_mb, :function_version, :identity, :client_context, :deadline_ms, :tenant_id

    def initialize(event)
      @aws_request_id = event["lambda-runtime-aws-request-id"]
      @deadline_ms = event["lambda-runtime-deadline-ms"].to_i
      @invoked_function_arn = event["lambda-runtime-invoked-function-arn"]
      @tenant_id = event["lambda-runtime-aws-tenant-id"]
      @client_context = parsed(event["lambda-runtime-client-context"])
      @identity = parsed(event["lambda-runtime-cognito-identity"])
      @log_group_name = ENV["AWS_LAMBDA_LOG_GROUP_NAME"]
      @log_stream_name = ENV["AWS_LAMBDA_LOG_STREAM_NAME"]
      @function_name = ENV["AWS_LAMBDA_FUNCTION_NAME"]
      @memory_limit_in_mb = ENV["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
      @function_version = ENV["AWS_LAMBDA_FUNCTION_VERSION"]
    end

    def get_remaining_time_in_millis
      [deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond), 0].max
    end

    private

    def parsed(json)
      json && JSON.parse(json)
    end
  end
end
