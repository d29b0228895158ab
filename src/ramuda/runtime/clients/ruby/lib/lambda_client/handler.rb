# frozen_string_literal: true

# Finds what `file.method`, `file.Class.method` or `file.Module::Class.method` names.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/ruby-handler.html

module LambdaClient
  # The handler cannot be found. `kind` becomes the error type: `Runtime.HandlerNotFound`.
  class LoadFailure < StandardError
    attr_reader :kind

    def initialize(kind, message)
      super(message)
      @kind = kind
    end
  end

  module Handler
    FORM = "must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD where FILENAME corresponds with an existing Ruby " \
           "source file FILENAME.rb, CLASS is an optional module/class namespace and METHOD is a callable method. " \
           "If using CLASS, METHOD must be a class-level method."

    module_function

    def load(name)
      file, *path = name.split(".")
      raise LoadFailure.new("MalformedHandlerName", "Invalid handler #{name}, #{FORM}") unless [1, 2].include?(path.size)

      require file
      receiver = path.size == 2 ? Kernel.const_get(path.first) : TOPLEVEL_BINDING.receiver
      method = receiver.method(path.last.to_sym)
      ->(event:, context:) { method.call(event: event, context: context) }
    rescue SyntaxError => e
      raise LoadFailure.new("UserCodeSyntaxError", e.message)
    rescue LoadError => e
      raise LoadFailure.new("ImportModuleError", e.message)
    rescue NameError => e
      raise unless handler_missing?(e, path)

      raise LoadFailure.new("HandlerNotFound", Report.message(e))
    end

    # Whether the name that is not defined is the handler's own, rather than one inside the function's code.
    def handler_missing?(error, path)
      path.any? { |part| part.split("::").include?(error.name.to_s) }
    end
  end
end
