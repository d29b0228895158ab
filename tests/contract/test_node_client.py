"""Node.js functions: every form of handler, what they print, and how they fail, on our client and on AWS's own.

AWS's client is compiled first, so its half is marked slow."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.runtime.catalogue import Catalogue, Options

from .minimal_runtime_api import REQUEST_ID
from .test_runtimes import running

CLIENTS = pytest.mark.parametrize(
    "client", ["own", pytest.param("auto", marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
FIRST = REQUEST_ID.format(1)
PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("node")


@pytest.fixture
def provide(cache: Path) -> Callable:
    async def provided(client: str, identifier: str = "nodejs20.x") -> ProvidedRuntime:
        if shutil.which("node") is None:
            pytest.skip("Node.js is not installed")
        catalogue = Catalogue(Options(cache_dir=cache, node_client=client, install=client == "auto"))
        try:
            await catalogue.provide(identifier)
            await catalogue.finish()
            found = await catalogue.provide(identifier)
        finally:
            await catalogue.close()
        if client == "auto" and not (found.spec.runtime_dir / "aws-lambda-ric").exists():
            pytest.skip("AWS's client could not be compiled here")
        return found

    return provided


@pytest.fixture
def package(tmp_path: Path) -> Callable[..., Path]:
    """Files by name: `lib__index_js` is lib/index.js."""

    def build(**files: str) -> Path:
        for name, text in files.items():
            *folders, file = name.split("__")
            path = tmp_path.joinpath(*folders, ".".join(file.rsplit("_", 1)))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return build


@CLIENTS
@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        ("exports.h = async (event) => event.a + 1", 2),
        ("exports.h = (event, context, callback) => callback(null, {ok: event.a})", {"ok": 1}),
        ("exports.h = (event, context, done) => { setTimeout(() => done(null, 'late'), 1); }", "late"),
        ("exports.h = (event, context) => context.succeed('done')", "done"),
        ("exports.h = (event, context) => context.done(null, [1])", [1]),
        ("exports.h = () => {}", None),
        ("exports.h = async () => undefined", None),
        (
            "exports.h = (event, context, done) => { context.callbackWaitsForEmptyEventLoop = false;"
            "setTimeout(() => {}, 1e6); done(null, 7); }",
            7,
        ),
    ],
    ids=["promise", "callback", "late callback", "succeed", "done", "nothing", "undefined", "not waiting"],
)
async def test_every_form_of_answer_reaches_the_caller(client, handler, expected, provide, package):
    async with running(await provide(client), package(index_js=handler), "index.h") as (api, _):
        for _ in range(2):
            said = await api.invoke({"a": 1})
            assert (said.what, said.value) == ("response", expected)


@CLIENTS
@pytest.mark.parametrize(
    ("handler", "error_type", "message"),
    [
        ("exports.h = async () => { throw new TypeError('no') }", "TypeError", "no"),
        ("exports.h = () => { throw new TypeError('no') }", "TypeError", "no"),
        ("exports.h = (event, context, callback) => callback(new TypeError('no'))", "TypeError", "no"),
        ("exports.h = (event, context) => context.fail('plain')", "string", "plain"),
        ("exports.h = async () => { throw 5 }", "number", "5"),
        (
            "class Mine extends Error { name = 'Mine' }; exports.h = async () => { throw new Mine('x') }",
            "Mine",
            "x",
        ),
    ],
    ids=["rejected", "thrown", "callback", "fail", "no error", "own class"],
)
async def test_every_form_of_failure_is_reported(client, handler, error_type, message, provide, package):
    async with running(await provide(client), package(index_js=handler), "index.h") as (api, _):
        for _ in range(2):
            said = await api.invoke({})
            assert said.what == "error"
            assert {key: said.value[key] for key in ("errorType", "errorMessage")} == {
                "errorType": error_type,
                "errorMessage": message,
            }
            assert isinstance(said.value["trace"], list)


@CLIENTS
@pytest.mark.parametrize(
    ("files", "handler"),
    [
        ({"index_mjs": "export const h = async () => 'found'"}, "index.h"),
        ({"index_cjs": "exports.h = async () => 'found'"}, "index.h"),
        ({"index_js": "export const h = async () => 'found'", "package_json": '{"type": "module"}'}, "index.h"),
        ({"src__deep__app_js": "exports.a = {b: async () => 'found'}"}, "src/deep/app.a.b"),
        ({"node_modules__lib__index_js": "exports.h = async () => 'found'"}, "lib.h"),
        (
            {
                "index_mjs": "import lib from 'lib'; export const h = async () => lib",
                "node_modules__lib__index_js": "module.exports = 'found'",
            },
            "index.h",
        ),
    ],
    ids=["mjs", "cjs", "type module", "nested", "package", "import of a package"],
)
async def test_a_handler_is_found_in_every_kind_of_module(client, files, handler, provide, package):
    async with running(await provide(client), package(**files), handler) as (api, _):
        assert (await api.invoke({})).value == "found"


@CLIENTS
async def test_es_modules_find_packages_on_node_path(client, provide, package, tmp_path):
    task = package(
        index_mjs="import layered from 'layered'; export const h = async () => layered",
        layer__node_modules__layered__index_js="module.exports = 'from the layer'",
    )
    layer = f"{tmp_path}/layer/node_modules"
    async with running(await provide(client), task, "index.h", NODE_PATH=layer) as (api, _):
        assert (await api.invoke({})).value == "from the layer"


@CLIENTS
@pytest.mark.parametrize(
    ("files", "handler", "error_type", "part"),
    [
        ({"index_js": "exports.h = 1"}, "index.h", "Runtime.HandlerNotFound", "index.h is not a function"),
        ({"index_js": ""}, "index.h", "Runtime.HandlerNotFound", "index.h is undefined or not exported"),
        ({}, "index.h", "Runtime.ImportModuleError", "Cannot find module 'index'"),
        ({"index_js": "require('nowhere')"}, "index.h", "Runtime.ImportModuleError", "Cannot find module 'nowhere'"),
        ({"index_js": "exports.h = ("}, "index.h", "Runtime.UserCodeSyntaxError", "SyntaxError"),
        ({"index_js": ""}, "index", "Runtime.MalformedHandlerName", "Bad handler"),
        ({"index_js": ""}, "../index.h", "Runtime.MalformedHandlerName", "'../index.h' is not a valid handler name"),
        ({"index_js": "throw new RangeError('at start')"}, "index.h", "RangeError", "at start"),
    ],
    ids=["no function", "not exported", "no file", "no package", "syntax", "no dot", "parent folder", "thrown"],
)
async def test_what_cannot_be_loaded_is_an_init_error(client, files, handler, error_type, part, provide, package):
    async with running(await provide(client), package(**files), handler) as (api, process):
        said = await api.said()
        assert (said.what, said.value["errorType"]) == ("init/error", error_type)
        assert part in said.value["errorMessage"]
        assert said.headers["lambda-runtime-function-error-type"] == error_type
        assert await process.wait() != 0


@CLIENTS
@pytest.mark.parametrize(
    ("body", "error_type", "code"),
    [
        ("setTimeout(() => { throw new RangeError('later') }, 1); return new Promise(() => {})", "RangeError", 129),
        (
            "Promise.reject(new RangeError('later')); return new Promise(() => {})",
            "Runtime.UnhandledPromiseRejection",
            128,
        ),
    ],
    ids=["exception", "rejection"],
)
async def test_what_nobody_catches_fails_the_invocation_and_ends_the_process(
    client, body, error_type, code, provide, package
):
    task = package(index_js=f"exports.h = () => {{ {body} }}")
    async with running(await provide(client), task, "index.h") as (api, process):
        said = await api.invoke({})
        assert (said.what, said.request_id, said.value["errorType"]) == ("error", FIRST, error_type)
        assert "later" in said.value["errorMessage"]
        assert await process.wait() == code


@CLIENTS
async def test_text_lines_carry_time_request_id_and_level(client, provide, package):
    task = package(
        index_js="exports.h = async () => {"
        "console.log('a %s', 1, {b: 2}); console.error('two\\nlines'); console.debug('d') }"
    )
    async with running(await provide(client), task, "index.h") as (api, process):
        await api.invoke({})
        lines = re.findall(r"(?m)^(\S+Z\t.*)$", await process.end())
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    for line, rest in zip(lines, ["INFO\ta 1 { b: 2 }", "ERROR\ttwo\rlines", "DEBUG\td"], strict=True):
        assert re.fullmatch(f"{stamp}\t{FIRST}\t{re.escape(rest)}", line)


@CLIENTS
async def test_json_lines_are_filtered_by_level(client, provide, package):
    task = package(
        index_js="exports.h = async () => {"
        "console.info('no'); console.warn({a: 1}); console.error('x', new TypeError('y')) }"
    )
    env = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "warn"}
    async with running(await provide(client), task, "index.h", **env) as (api, process):
        await api.invoke({})
        lines = [json.loads(line) for line in (await process.end()).splitlines()]
    assert [line.pop("timestamp")[-1] for line in lines] == ["Z", "Z"]
    assert lines[0] == {"level": "WARN", "requestId": FIRST, "message": {"a": 1}}
    assert lines[1].pop("stackTrace")[0] == "TypeError: y"
    assert lines[1].pop("message").startswith("x TypeError: y")
    assert lines[1] == {"level": "ERROR", "requestId": FIRST, "errorType": "TypeError", "errorMessage": "y"}


STREAM = "exports.h = awslambda.streamifyResponse(async (event, stream, context) => {{ {} }})"


@CLIENTS
async def test_a_stream_is_sent_in_chunks_after_its_prelude(client, provide, package):
    body = (
        "const http = awslambda.HttpResponseStream.from(stream, {statusCode: 201, headers: {a: 'b'}});"
        "http.write('one,'); http.write(Buffer.from('two')); http.end()"
    )
    async with running(await provide(client), package(index_js=STREAM.format(body)), "index.h") as (api, _):
        for _ in range(2):
            said = await api.invoke({})
            prelude, _, rest = said.body.partition(b"\0" * 8)
            assert json.loads(prelude) == {"statusCode": 201, "headers": {"a": "b"}}
            assert rest == b"one,two"
            assert said.trailers == {}
            expected = {"lambda-runtime-function-response-mode": "streaming", "content-type": PRELUDE_TYPE}
            assert {name: said.headers[name] for name in expected} == expected


@CLIENTS
async def test_a_pipe_that_outlives_the_handler_is_waited_for(client, provide, package):
    body = "require('stream').Readable.from(['a', 'b', 'c']).pipe(stream)"
    async with running(await provide(client), package(index_js=STREAM.format(body)), "index.h") as (api, _):
        assert (await api.invoke({})).body == b"abc"


@CLIENTS
async def test_a_stream_that_breaks_off_says_why_in_trailers(client, provide, package):
    body = "stream.setContentType('text/plain'); stream.write('begun'); throw new RangeError('half-way')"
    async with running(await provide(client), package(index_js=STREAM.format(body)), "index.h") as (api, _):
        for _ in range(2):
            said = await api.invoke({})
            assert (said.body, said.headers["content-type"]) == (b"begun", "text/plain")
            assert said.trailers["lambda-runtime-function-error-type"] == "RangeError"
            assert said.trailing_error["errorMessage"] == "half-way"


@CLIENTS
async def test_client_context_and_identity_are_parsed(client, provide, package):
    task = package(index_js="exports.h = async (event, context) => [context.clientContext, context.identity]")
    headers = {
        "Lambda_Runtime_Client_Context": '{"custom": {"k": "v"}}',
        "Lambda_Runtime_Cognito_Identity": '{"cognitoIdentityId": "i"}',
    }
    async with running(await provide(client), task, "index.h") as (api, _):
        said = await api.invoke({}, **headers)
        assert said.value == [{"custom": {"k": "v"}}, {"cognitoIdentityId": "i"}]


async def test_since_24_a_handler_answers_with_what_it_returns(provide, package):
    task = package(index_js="exports.h = (event) => event.a", old_js="exports.h = (event, context, callback) => {}")
    runtime = await provide("own", "nodejs24.x")
    async with running(runtime, task, "index.h") as (api, _):
        assert (await api.invoke({"a": [1]})).value == [1]
    async with running(runtime, task, "old.h") as (api, _):
        assert (await api.said()).value["errorType"] == "Runtime.CallbackHandlerDeprecated"


async def test_an_answer_that_is_no_json_is_an_error(provide, package):
    task = package(index_js="exports.h = async () => { const a = {}; a.a = a; return a }")
    async with running(await provide("own"), task, "index.h") as (api, _):
        said = await api.invoke({})
        assert said.what == "error"
        assert said.value["errorMessage"] == "Unable to stringify response body"
