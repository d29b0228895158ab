# frozen_string_literal: true

# An exception as the Runtime API wants it: {errorMessage, errorType, stackTrace}.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/ruby-exceptions.html

module LambdaClient
  module Report
    OWN_FILES = File.expand_path("../..", __dir__)
    UNSUITED_TO_A_HEADER = /[^\x20-\x7e]/

    module_function

    # `phase` is `Init` or `Function`: `Function<RuntimeError>`.
    def of(error, phase)
      kind = error.is_a?(LoadFailure) ? "Runtime.#{error.kind}" : "#{phase}<#{error.class.name}>"
      {
        "errorMessage" => message(error).dup.force_encoding(Encoding::UTF_8).scrub,
        "errorType" => kind.gsub(UNSUITED_TO_A_HEADER, "?"),
        "stackTrace" => (error.backtrace || []).reject { |line| line.start_with?(OWN_FILES) }
      }
    end

    # Without the source excerpt that Ruby 3.1 to 3.3 add to the messages of some errors.
    def message(error)
      error.respond_to?(:original_message) ? error.original_message : error.message
    end
  end
end
