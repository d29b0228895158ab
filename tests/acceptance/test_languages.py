"""One function in every language, deployed and invoked through the API, in the sandbox that is in use."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import WaiterError

PROGRAMS = Path(__file__).parents[1] / "contract" / "handlers" / "provided"
BASH = """#!/bin/bash
while true; do
  exec 5<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
  printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&5
  while IFS=$'\\r' read -r line _ <&5 && [ -n "$line" ]; do
    case "$line" in
      [Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d:*) id="${line#*: }" ;;
      [Cc]ontent-[Ll]ength:*) length="${line#*: }" ;;
    esac
  done
  read -r -N "$length" event <&5
  echo "bash got $event"
  answer="{\\"shell\\":\\"bash\\",\\"event\\":$event}"
  head='HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: %d\\r\\n\\r\\n%s'
  printf "POST /2018-06-01/runtime/invocation/%s/response $head" "$id" "${#answer}" "$answer" >&5
  IFS= read -r _ <&5
  exec 5>&-
done
"""
NODE = """
export const handler = async (event, context) => {
  console.log("node says", event.word);
  return { word: event.word, id: context.awsRequestId.length };
};
export const streams = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType("text/plain");
  stream.write("first ");
  stream.write("second");
  stream.end();
});
"""
RUBY = (
    "def handler(event:, context:)\n  puts 'ruby says'\n  { word: event['word'], name: context.function_name }\nend\n"
)

Deploy = Callable[..., str]


@pytest.fixture
def run(deployed: Deploy, aws: Any) -> Callable[..., tuple[Any, str]]:
    """Deploys and invokes; the answer's JSON and the log. Skips by name what this machine cannot run."""

    def deploy_and_invoke(files: dict[str, str | bytes], event: Any, **configuration: Any) -> tuple[Any, str]:
        try:
            name = deployed(files, Timeout=20, MemorySize=512, **configuration)
        except WaiterError as e:
            reason = e.last_response.get("Configuration", e.last_response).get("StateReason")
            pytest.skip(f"{configuration['Runtime']}: {reason}")
        answer = aws("lambda").invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
        return json.loads(answer["Payload"].read()), base64.b64decode(answer["LogResult"]).decode()

    return deploy_and_invoke


def test_a_bootstrap_of_bash_runs_as_provided(run: Callable[..., tuple[Any, str]]) -> None:
    answer, log = run({"bootstrap": BASH}, {"n": 1}, Runtime="provided.al2023", Handler="any")
    assert answer == {"shell": "bash", "event": {"n": 1}}
    assert 'bash got {"n": 1}\n' in log


def test_an_es_module_of_node_answers_and_logs(run: Callable[..., tuple[Any, str]]) -> None:
    answer, log = run({"index.mjs": NODE}, {"word": "tea"}, Runtime="nodejs20.x", Handler="index.handler")
    assert answer == {"word": "tea", "id": 36}
    assert "\tINFO\tnode says tea\n" in log


def test_a_node_function_streams_its_answer(deployed: Deploy, aws: Any) -> None:
    try:
        name = deployed({"index.mjs": NODE}, Runtime="nodejs20.x", Handler="index.streams", Timeout=20)
    except WaiterError as e:
        pytest.skip(str(e))
    streamed = aws("lambda").invoke_with_response_stream(FunctionName=name, Payload=b"{}", LogType="Tail")
    assert (streamed["StatusCode"], streamed["ExecutedVersion"]) == (200, "$LATEST")
    headers = streamed["ResponseMetadata"]["HTTPHeaders"]
    assert streamed["ResponseStreamContentType"] == headers["content-type"] == "application/vnd.amazon.eventstream"
    assert headers["x-amzn-remapped-content-type"] == "text/plain"
    events = list(streamed["EventStream"])
    assert b"".join(event["PayloadChunk"]["Payload"] for event in events[:-1]) == b"first second"
    log = base64.b64decode(events[-1]["InvokeComplete"]["LogResult"]).decode()
    assert log.startswith("START RequestId: ")
    assert events[-1]["InvokeComplete"].keys() == {"LogResult"}


def test_a_ruby_function_answers_and_logs(run: Callable[..., tuple[Any, str]]) -> None:
    if shutil.which("ruby") is None:
        pytest.skip("ruby is not installed")
    answer, log = run({"app.rb": RUBY}, {"word": "tea"}, Runtime="ruby3.3", Handler="app.handler")
    assert answer["word"] == "tea"
    assert "ruby says\n" in log


@pytest.mark.slow
@pytest.mark.parametrize(("language", "compiler"), [("go", ["go", "build", "-o"]), ("rust", ["rustc", "-O", "-o"])])
def test_a_compiled_program_runs_as_provided(
    run: Callable[..., tuple[Any, str]], tmp_path: Path, language: str, compiler: list[str]
) -> None:
    program = shutil.which(compiler[0], path=os.pathsep.join([os.environ["PATH"], "/usr/local/go/bin"]))
    if program is None:
        pytest.skip(f"{compiler[0]} is not installed")
    source = PROGRAMS / {"go": "main.go", "rust": "main.rs"}[language]
    subprocess.run([program, *compiler[1:], tmp_path / "bootstrap", source], cwd=tmp_path, check=True)
    files = {"bootstrap": (tmp_path / "bootstrap").read_bytes()}
    answer, log = run(files, {"n": 7}, Runtime="provided.al2023", Handler="any")
    assert answer["event"] == {"n": 7}
    assert "\nREPORT RequestId: " in log
