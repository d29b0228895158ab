"""Container images for tests: made here, as OCI layouts, out of this machine's own interpreter and shell.

`base()` is laid out as AWS's base images are (https://docs.aws.amazon.com/lambda/latest/dg/python-image.html): entry
point /lambda-entrypoint.sh, /var/runtime/bootstrap, the interpreter in /var/lang, AWS's own client in /var/runtime.
"""

import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import awslambdaric

from tests.sandboxes import CLIENT_PACKAGES, VERSION

GZIPPED = "application/vnd.oci.image.layer.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
PYTHON = f"/var/lang/bin/python{VERSION}"
_LEFT_OUT = re.compile(
    r"/(test|tests|idlelib|ensurepip|tkinter|turtledemo|lib2to3|site-packages|config-.*|pydoc_data|distutils|msilib|"
    r"curses|sqlite3|xmlrpc|wsgiref|multiprocessing|unittest)(/|$)|\.a$|\.opt-\d\.pyc$"
)

ENTRYPOINT_SH = """#!/bin/sh
if [ $# -ne 1 ]; then
  echo "entrypoint requires the handler name to be the first argument" 1>&2
  exit 142
fi
export _HANDLER="$1"
if [ -z "$AWS_LAMBDA_RUNTIME_API" ]; then
  exec /usr/local/bin/aws-lambda-rie /var/runtime/bootstrap
else
  exec /var/runtime/bootstrap
fi
"""
BOOTSTRAP_SH = f"""#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_python{VERSION}
if [ -z "$AWS_LAMBDA_EXEC_WRAPPER" ]; then
  exec {PYTHON} /var/runtime/bootstrap.py
else
  exec "$AWS_LAMBDA_EXEC_WRAPPER" {PYTHON} /var/runtime/bootstrap.py
fi
"""
BOOTSTRAP_PY = """
import os, sys
sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], "/opt/python", "/var/runtime"]
from awslambdaric.bootstrap import run
from awslambdaric.__main__ import main
main(["bootstrap", os.environ["_HANDLER"]])
"""


@dataclass
class Layer:
    """A layer's tar, put together entry by entry."""

    _sink: io.BytesIO = field(default_factory=io.BytesIO)

    def __post_init__(self) -> None:
        self.tar = tarfile.open(fileobj=self._sink, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by `data`

    def file(self, name: str, content: str | bytes, mode: int = 0o644) -> "Layer":
        data = content.encode() if isinstance(content, str) else content
        return self.entry(name, data, size=len(data), mode=mode)

    def folder(self, name: str, mode: int = 0o755) -> "Layer":
        return self.entry(name, type=tarfile.DIRTYPE, mode=mode)

    def link(self, name: str, target: str) -> "Layer":
        return self.entry(name, type=tarfile.SYMTYPE, linkname=target)

    def entry(self, name: str, data: bytes = b"", **members: Any) -> "Layer":
        """Any header at all."""
        info = tarfile.TarInfo(name)
        info.mtime = 1_700_000_000
        for member, value in members.items():
            setattr(info, member, value)
        self.tar.addfile(info, io.BytesIO(data))
        return self

    def host(self, source: Path, name: str) -> "Layer":
        """A file of this machine, without its owner."""
        real = source.resolve()
        data, status = real.read_bytes(), real.stat()
        mode, mtime = status.st_mode & 0o777, int(status.st_mtime)  # bytecode goes by the time of its source
        return self.entry(name, data, size=len(data), mode=mode, mtime=mtime)

    def data(self) -> bytes:
        self.tar.close()
        return self._sink.getvalue()


@dataclass(frozen=True)
class Blob:
    """Layers travel compressed; `diff_id` is the digest of the tar."""

    data: bytes
    diff_id: str
    media_type: str = GZIPPED

    @property
    def descriptor(self) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": digest(self.data), "size": len(self.data)}


def blob(layer: Layer | bytes, *, compressed: bool = True) -> Blob:
    data = layer.data() if isinstance(layer, Layer) else layer
    if not compressed:
        return Blob(data, digest(data), GZIPPED.removesuffix("+gzip"))
    return Blob(gzip.compress(data, 1, mtime=0), digest(data))


@dataclass(frozen=True)
class Image:
    """A whole image: documents and layers by digest."""

    manifest: bytes
    blobs: dict[str, bytes]

    @property
    def digest(self) -> str:
        return digest(self.manifest)

    @property
    def sha256(self) -> str:
        return self.digest.removeprefix("sha256:")


def image(layers: Sequence[Blob], run: Mapping[str, Any] | None = None, **changes: Any) -> Image:
    """`run` is the configuration's `config` (Entrypoint, Cmd, Env, WorkingDir); `changes` are to the configuration."""
    configuration = {
        "architecture": "amd64" if os.uname().machine == "x86_64" else "arm64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "config": dict(run or {}),
        **changes,
    }
    config = json.dumps(configuration).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest(config),
            "size": len(config),
        },
        "layers": [layer.descriptor for layer in layers],
    }
    blobs = {digest(config): config, **{digest(layer.data): layer.data for layer in layers}}
    return Image(json.dumps(manifest).encode(), blobs)


def write_layout(path: Path, images: Mapping[str, Image]) -> Path:
    """An OCI layout with images by tag. Adds to one that is there."""
    folder = path / "blobs" / "sha256"
    folder.mkdir(parents=True, exist_ok=True)
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    manifests = []
    for tag, each in images.items():
        for name, data in {each.digest: each.manifest, **each.blobs}.items():
            (folder / name.removeprefix("sha256:")).write_bytes(data)
        manifests.append(
            {
                "mediaType": MANIFEST,
                "digest": each.digest,
                "size": len(each.manifest),
                "annotations": {"org.opencontainers.image.ref.name": tag},
            }
        )
    index = {"schemaVersion": 2, "manifests": manifests}
    (path / "index.json").write_text(json.dumps(index))
    return path


def push(registry: str, repository: str, tag: str, pushed: Image) -> None:
    """To `http://host:port`, as the distribution specification has it."""
    base = f"{registry}/v2/{repository}"
    for name, data in pushed.blobs.items():
        with _send(f"{base}/blobs/uploads/", b"", "POST") as answer:
            place = answer.headers["Location"]
        place = place if place.startswith("http") else registry + place
        _send(f"{place}{'&' if '?' in place else '?'}digest={name}", data, "PUT").close()
    _send(f"{base}/manifests/{tag}", pushed.manifest, "PUT", MANIFEST).close()


def _send(url: str, data: bytes, method: str, media_type: str = "application/octet-stream") -> Any:
    request = urllib.request.Request(url, data, {"Content-Type": media_type}, method=method)
    return urllib.request.urlopen(request)


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def shell_layer() -> Layer:
    """/bin/sh and what it needs of this machine's libraries."""
    layer = Layer().host(Path("/bin/sh"), "bin/sh")
    return _with_libraries(layer, [Path("/bin/sh")])


@cache
def base_layers() -> tuple[Blob, ...]:
    """The layers of a look-alike of AWS's base image. Takes some seconds, once."""
    lang = Path(sys.base_prefix)
    layer = shell_layer().host(Path(sys.executable), f"var/lang/bin/python{VERSION}")
    library = lang / "lib" / f"python{VERSION}"
    for path in sorted(library.rglob("*")):
        name = f"var/lang/lib/python{VERSION}/{path.relative_to(library)}"
        if path.is_file() and not _LEFT_OUT.search(f"/{path.relative_to(library)}"):
            layer.host(path, name)
    _with_libraries(layer, [Path(sys.executable).resolve(), *library.glob("lib-dynload/*.so")])
    client = Layer()
    packages = Path(awslambdaric.__file__).parent.parent
    _with_libraries(client, packages.glob("*.so"))
    for package in CLIENT_PACKAGES:
        for top in packages.glob(f"{package}*"):
            for path in [top] if top.is_file() else sorted(top.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts and not top.name.endswith("-info"):
                    client.host(path, f"var/runtime/{path.relative_to(packages)}")
    client.file("var/runtime/bootstrap", BOOTSTRAP_SH, 0o755).file("var/runtime/bootstrap.py", BOOTSTRAP_PY)
    client.file("lambda-entrypoint.sh", ENTRYPOINT_SH, 0o755)
    client.folder("var/task").folder("opt").folder("tmp", 0o1777)
    return blob(layer, compressed=False), blob(client)


BASE_ENV = [
    "LANG=en_US.UTF-8",
    "TZ=:/etc/localtime",
    "PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    "LAMBDA_TASK_ROOT=/var/task",
    "LAMBDA_RUNTIME_DIR=/var/runtime",
]
BASE_RUN: dict[str, Any] = {"Entrypoint": ["/lambda-entrypoint.sh"], "WorkingDir": "/var/task", "Env": BASE_ENV}


def function(base: Sequence[Blob], files: Mapping[str, str], command: str = "app.handler", **run: Any) -> Image:
    """What `FROM base; COPY files /var/task; CMD ["app.handler"]` makes."""
    layer = Layer()
    for name, text in files.items():
        layer.file(f"var/task/{name}", text)
    return image([*base, blob(layer)], {**BASE_RUN, "Cmd": [command], **run})


def _with_libraries(layer: Layer, programs: Iterable[Path]) -> Layer:
    libraries: set[str] = set()
    command = ["ldd", *map(str, programs)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    libraries.update(re.findall(r"(/\S+)(?= \(0x)", said))
    for path in sorted(libraries):
        if path.startswith(sys.base_prefix):
            layer.host(Path(path), f"var/lang/lib/{os.path.basename(path)}")
        else:
            layer.host(Path(path), path.lstrip("/"))
    return layer
