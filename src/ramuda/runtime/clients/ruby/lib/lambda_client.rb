# frozen_string_literal: true

# A client of the Lambda Runtime API: loads the handler, then one event after the other.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/ruby-handler.html

require_relative "lambda_client/api"
require_relative "lambda_client/context"
require_relative "lambda_client/handler"
require_relative "lambda_client/report"

module LambdaClient
  module_function

  def run
    api = Api.new(ENV.fetch("AWS_LAMBDA_RUNTIME_API"))
    handler = load_handler(api)
    loop { serve(api, handler) }
  end

  def load_handler(api)
    Handler.load(ENV.fetch("_HANDLER"))
  rescue Exception => e # rubocop:disable Lint/RescueException - a syntax error, or exit, of the function's code
    told = Report.of(e, "Init")
    log(told)
    api.fail_init(told)
    exit!(1)
  end

  def serve(api, handler)
    event = api.next
    publish_trace(event["lambda-runtime-trace-id"])
    id = event["lambda-runtime-aws-request-id"]
    begin
      answer = handler.call(event: parse(event.body), context: Context.new(event))
      api.respond(id, *encode(answer))
    rescue Api::Refused
      raise
    rescue Exception => e # rubocop:disable Lint/RescueException - whatever the function raises is its answer
      told = Report.of(e, "Function")
      log(told)
      api.fail(id, told)
      exit!(1) unless e.is_a?(StandardError)
    end
  end

  # An answer that can be read is sent as it is, any other as JSON.
  def encode(answer)
    return [answer.read, "application/unknown"] if answer.respond_to?(:read)

    [answer.to_json, "application/json"]
  end

  def parse(body)
    body.empty? ? nil : JSON.parse(body)
  end

  def publish_trace(trace)
    ENV["_X_AMZN_TRACE_ID"] = trace # nil removes it
  end

  def log(told)
    puts told.to_json.tr("\n", "\r")
  end
end
