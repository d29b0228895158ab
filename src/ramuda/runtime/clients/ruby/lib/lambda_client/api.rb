# frozen_string_literal: true

# The Runtime API over one kept connection.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

require "json"
require "net/http"

module LambdaClient
  class Api
    # The platform did not take what it was sent; there is no way to go on.
    class Refused < StandardError; end

    ROOT = "/2018-06-01/runtime/"
    WAIT_FOREVER_S = nil

    def initialize(address)
      host, port = address.split(":")
      @http = Net::HTTP.new(host, port.to_i, nil)
      @http.read_timeout = WAIT_FOREVER_S
      @http.keep_alive_timeout = 24 * 3600 # the connection stays while the environment is frozen
      @http.max_retries = 0
      @http.start
    end

    def next
      checked @http.request_get("#{ROOT}invocation/next")
    end

    def respond(id, body, content_type)
      answer = @http.request_post("#{ROOT}invocation/#{id}/response", body, "Content-Type" => content_type)
      checked(answer) unless answer.code == "413" # the platform has told the caller that it is too large
    end

    def fail(id, told)
      report("invocation/#{id}/error", told)
    end

    def fail_init(told)
      report("init/error", told)
    end

    private

    def report(path, told)
      headers = { "Content-Type" => "application/json", "Lambda-Runtime-Function-Error-Type" => told["errorType"] }
      checked @http.request_post(ROOT + path, told.to_json, headers)
    end

    def checked(answer)
      return answer if answer.is_a?(Net::HTTPSuccess)

      raise Refused, "the Runtime API answered #{answer.code}: #{answer.body}"
    end
  end
end
