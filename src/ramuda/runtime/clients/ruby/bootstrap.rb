# frozen_string_literal: true

# /var/runtime/bootstrap.rb: starts the function of the environment variables. With `--wait` it is started before it is
# known whose code will run: it loads what every function needs and reads its assignment from file descriptor 3.

require "json"
require "net/http"
require_relative "lib/lambda_client"

ASSIGNMENT_FD = 3

def become_function
  text = IO.for_fd(ASSIGNMENT_FD).read
  exit(0) if text.empty? # whoever prepared this environment does not need it any more
  assignment = JSON.parse(text)
  ENV.replace(assignment["env"].merge("_HANDLER" => assignment["handler"]))
  Gem.clear_paths
  Dir.chdir(ENV.fetch("LAMBDA_TASK_ROOT"))
end

if ARGV.delete("--wait")
  require "logger"
  require "openssl"
  require "set"
  become_function
end

$stdout.sync = $stderr.sync = true
$LOAD_PATH.unshift(ENV.fetch("LAMBDA_TASK_ROOT"))
LambdaClient.run
