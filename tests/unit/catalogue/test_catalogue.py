"""The catalogue on this machine, with npm and compilers that only pretend."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Boot
from ramuda.runtime.catalogue import Catalogue, Options
from ramuda.runtime.catalogue.entry import entries

OWN = "python{}.{}".format(*sys.version_info[:2])


@pytest.fixture
async def catalogue(tmp_path):
    made = Catalogue(Options(cache_dir=tmp_path / "cache", install=False))
    yield made
    await made.close()


async def test_the_python_that_runs_ramuda_needs_no_network(catalogue):
    runtime = await catalogue.provide(OWN)
    assert (runtime.identifier, runtime.exact, runtime.note) == (OWN, True, "")
    assert runtime.runtime_version.startswith(f"python:{OWN.removeprefix('python')}.v")
    spec = runtime.spec
    assert (spec.boot, spec.argv, spec.exec_argv[1:]) == (Boot.FORK, spec.exec_argv[:1], ("/var/runtime/bootstrap.py",))
    for name in ("awslambdaric", "boto3", "botocore/data/s3", "s3transfer", "urllib3", "dateutil", "simplejson"):
        assert (spec.runtime_dir / name).is_dir(), name
    assert not (spec.runtime_dir / "pytest").exists()
    assert list((spec.runtime_dir / "boto3/__pycache__").glob("__init__.*.pyc"))


async def test_packages_of_this_machine_are_hidden_from_functions(catalogue):
    spec = (await catalogue.provide(OWN)).spec
    hidden = [mount for mount in spec.mounts if mount.inside.endswith(("site-packages", "dist-packages"))]
    assert hidden
    assert all(not list(mount.host.iterdir()) for mount in hidden)


async def test_whoever_asks_at_once_gets_the_same(catalogue):
    first, *others = await asyncio.gather(*(catalogue.provide(OWN) for _ in range(5)))
    assert all(other is first for other in others)
    assert await catalogue.provide(OWN) is first


async def test_a_cancelled_caller_does_not_disturb_the_others(catalogue):
    gives_up = asyncio.create_task(catalogue.provide(OWN))
    await asyncio.sleep(0)
    waits = asyncio.create_task(catalogue.provide(OWN))
    await asyncio.sleep(0)
    gives_up.cancel()
    assert (await waits).identifier == OWN


@pytest.mark.parametrize(
    ("identifier", "said"),
    [
        ("dotnet8", "dotnet8 cannot run here: .*Native AOT"),
        ("go1.x", "go1.x cannot run here: .*provided.al2023"),
        ("cobol1.x", "cobol1.x is not a runtime"),
    ],
)
async def test_what_cannot_run_is_refused_with_what_to_do(identifier, said, catalogue):
    with pytest.raises(PortError, match=said):
        await catalogue.provide(identifier)


async def test_the_survey_names_every_runtime_and_installs_nothing(catalogue, tmp_path):
    survey = {status.identifier: status for status in await catalogue.survey()}
    assert list(survey) == list(entries())
    own = survey[OWN]
    assert (own.runnable, own.exact, own.mend) == (True, True, "")
    assert own.client == "awslambdaric and boto3, installed on first use"
    assert not survey["dotnet8"].runnable
    assert survey["dotnet8"].mend
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["interpreters.json"]
    await catalogue.provide(OWN)
    survey = {status.identifier: status for status in await catalogue.survey()}
    assert survey[OWN].client == "awslambdaric and boto3, installed"


NPM = """#!{python} -S
import pathlib, sys
prefix = pathlib.Path(sys.argv[sys.argv.index("--prefix") + 1], "node_modules")
with open({log!r}, "a") as log:
    log.write(sys.argv[-1] + "\\n")
if {fails!r} in sys.argv[-1]:
    sys.exit("npm ERR! no network")
if "aws-lambda-ric" in sys.argv[-1]:
    open({gate!r}).read()
    names = ("package.json", "dist/index.mjs", "dist/rapid-client.node")
    files = dict.fromkeys(["aws-lambda-ric/" + name for name in names], "")
elif "@aws-sdk" in sys.argv[-1]:
    files = {{"@aws-sdk/client-s3/package.json": "{{}}"}}
else:
    answer = "[[" + sys.argv[-1].rpartition("@")[2] + ", 1, 0], " + '"/n", []]'
    node = f"#!/bin/sh\\n# not a real one\\necho '{{answer}}'\\n"
    files = {{sys.argv[-1].rpartition("@")[0] + "/" + name: node for name in ("bin/node", "include/x", "LICENSE")}}
for name, text in files.items():
    (prefix / name).parent.mkdir(parents=True, exist_ok=True)
    (prefix / name).write_text(text)
"""


class Workbench:
    """A machine with a Node.js 20, npm and compilers, all pretended. `release` lets AWS's client be compiled."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, fails: str = "nothing") -> None:
        self.events: list[str] = []
        self._log = folder / "npm.log"
        self._gate = folder / "gate"
        os.mkfifo(self._gate)
        bin_dir = folder / "bin"
        bin_dir.mkdir()
        npm = NPM.format(python=sys.executable, log=str(self._log), gate=str(self._gate), fails=fails)
        for name in ("npm", "g++", "make", "cmake", "autoconf", "automake", "libtoolize", "nice"):
            text = {"npm": npm, "nice": '#!/bin/sh\nshift 2\nexec "$@"\n'}.get(name, "#!/bin/sh\n")
            (bin_dir / name).write_text(text)
            (bin_dir / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(bin_dir))
        monkeypatch.setattr("ramuda.runtime.interpreters.finder.candidates", lambda *_: [folder / "node"])
        (folder / "node").write_text(f"#!/bin/sh\necho '[[20, 1, 0], \"{folder}\", []]'\n")
        (folder / "node").chmod(0o755)
        self.options = Options(cache_dir=folder / "cache")

    def log(self, event: str, **fields: object) -> None:
        self.events.append(f"{event} {fields['what']}")

    def asked_of_npm(self) -> list[str]:
        return self._log.read_text().split() if self._log.exists() else []

    def release(self) -> None:
        with self._gate.open("w"):
            pass


async def test_node_runs_on_our_client_until_awss_is_compiled(tmp_path, monkeypatch):
    bench = Workbench(tmp_path, monkeypatch)
    catalogue = Catalogue(bench.options, bench.log)
    first = await catalogue.provide("nodejs20.x")
    folder = first.spec.runtime_dir
    assert first.spec.boot is Boot.WAIT
    assert (folder / "bootstrap.cjs").exists()
    assert (folder / "node_modules/@aws-sdk/client-s3/package.json").exists()
    assert not (folder / "aws-lambda-ric").exists()
    bench.release()
    await catalogue.finish()
    second = await catalogue.provide("nodejs20.x")
    assert (second.spec.runtime_dir / "aws-lambda-ric/dist/rapid-client.node").exists()
    assert (second.spec.runtime_dir / "node_modules/@aws-sdk/client-s3/package.json").exists()
    assert await catalogue.provide("nodejs20.x") is second
    assert [name.split("@^")[0] for name in bench.asked_of_npm()] == ["@aws-sdk/util-dynamodb@3", "aws-lambda-ric@3"]
    assert bench.events == [
        "runtime.installing AWS SDK for JavaScript 3",
        "runtime.installed AWS SDK for JavaScript 3",
        "runtime.installing aws-lambda-ric@3",
        "runtime.installed aws-lambda-ric@3",
    ]
    await catalogue.close()


async def test_closing_ends_a_compilation(tmp_path, monkeypatch):
    bench = Workbench(tmp_path, monkeypatch)
    catalogue = Catalogue(bench.options, bench.log)
    await catalogue.provide("nodejs20.x")
    await catalogue.close()
    assert not list((tmp_path / "cache").glob("node-ric-*"))
    assert not list((tmp_path / "cache").glob(".staging-*"))


async def test_without_the_sdk_or_awss_client_node_still_runs(tmp_path, monkeypatch):
    bench = Workbench(tmp_path, monkeypatch, fails="aws")
    catalogue = Catalogue(bench.options, bench.log)
    runtime = await catalogue.provide("nodejs20.x")
    await catalogue.finish()
    assert (runtime.spec.runtime_dir / "bootstrap.cjs").exists()
    assert not (runtime.spec.runtime_dir / "node_modules").exists()
    assert "runtime.install_failed AWS SDK for JavaScript 3" in bench.events
    await catalogue.provide("nodejs20.x")
    assert len(bench.asked_of_npm()) == 2
    await catalogue.close()


async def test_our_own_client_can_be_wished_for(tmp_path, monkeypatch):
    bench = Workbench(tmp_path, monkeypatch)
    options = Options(cache_dir=tmp_path / "cache", node_client="own")
    catalogue = Catalogue(options, bench.log)
    runtime = await catalogue.provide("nodejs20.x")
    assert await catalogue.provide("nodejs20.x") is runtime
    assert bench.asked_of_npm() == ["@aws-sdk/util-dynamodb@3"]
    await catalogue.close()


async def test_a_missing_node_is_brought_by_npm_and_another_stands_in_when_that_fails(tmp_path, monkeypatch):
    bench = Workbench(tmp_path, monkeypatch, fails="node-")
    catalogue = Catalogue(Options(cache_dir=tmp_path / "cache", node_client="own"), bench.log)
    runtime = await catalogue.provide("nodejs22.x")
    assert (runtime.exact, runtime.runtime_version) == (False, "nodejs:20.v1")
    assert runtime.note.startswith("nodejs 22 was not found on this machine: nodejs22.x runs on nodejs 20.1.0")
    assert "runtime.install_failed Node.js" in bench.events
    assert any(name.endswith("@22") for name in bench.asked_of_npm())
    await catalogue.close()


async def test_strictness_refuses_what_npm_cannot_bring(tmp_path, monkeypatch):
    bench = Workbench(tmp_path, monkeypatch, fails="node-")
    catalogue = Catalogue(Options(cache_dir=tmp_path / "cache", strict_runtimes=True), bench.log)
    with pytest.raises(PortError, match=r"nodejs 22 was not found, only nodejs 20\.1\.0; install Node\.js 22"):
        await catalogue.provide("nodejs22.x")
    await catalogue.close()


async def test_the_survey_says_what_compiling_awss_client_needs(tmp_path, monkeypatch):
    bench = Workbench(tmp_path, monkeypatch)
    (tmp_path / "bin/cmake").unlink()
    catalogue = Catalogue(bench.options, bench.log)
    node20 = next(status for status in await catalogue.survey() if status.identifier == "nodejs20.x")
    assert (node20.runnable, node20.exact, node20.version) == (True, True, "20.1.0")
    assert node20.client.startswith("Ramuda's own; aws-lambda-ric@3 needs cmake: apt install g++")
    await catalogue.close()
