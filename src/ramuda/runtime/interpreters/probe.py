"""Asks an interpreter for its version, once: the answer is kept as long as its file does not change."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ramuda.kernel.codec import decode_json, encode_json
from ramuda.runtime.interpreters.interpreter import Interpreter, Kind

PROBE_LIMIT_S = 30.0
FORMAT = 1  # of the kept answers

_PYTHON = """
import json, site, sys, sysconfig
usable = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
print(json.dumps([list(sys.version_info[:3]) if usable else [], sys.base_prefix, site.getsitepackages()]))
"""
_NODE = """
const prefix = require("path").resolve(process.execPath, "../..");
console.log(JSON.stringify([process.versions.node.split(".").map(Number), prefix, []]));
"""
_RUBY = """
require "rbconfig"
puts "[[#{RUBY_VERSION.tr('.', ',')}], #{RbConfig::CONFIG['prefix'].inspect}, []]"
"""
_COMMANDS = {
    Kind.PYTHON: ("-I", "-c", _PYTHON),
    Kind.NODE: ("-e", _NODE),
    Kind.RUBY: ("--disable=gems", "-e", _RUBY),
    Kind.JAVA: ("-XshowSettings:properties", "-version"),
}


class Probe:
    """`ask` is given a program and its kind. The answers are kept in `kept_path`."""

    def __init__(self, kept_path: Path) -> None:
        self._kept_path = kept_path
        self._kept: dict[str, Any] = self._load()

    def ask(self, kind: Kind, program: Path) -> Interpreter | None:
        """The interpreter, or None when it does not run or is no usable one."""
        status = program.stat()
        mark = [FORMAT, status.st_mtime_ns, status.st_size]
        kept = self._kept.get(str(program))
        if kept is None or kept[0] != mark:
            kept = [mark, _run(kind, program)]
            self._kept[str(program)] = kept
            self._save()
        answer = kept[1]
        if not answer or not answer[0]:
            return None
        version, prefix, package_dirs = answer
        return Interpreter(
            kind=kind,
            version=tuple(version),
            executable=program,
            prefix=Path(prefix),
            package_dirs=tuple(map(Path, package_dirs)),
        )

    def _load(self) -> dict[str, Any]:
        try:
            kept = decode_json(self._kept_path.read_bytes())
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def _save(self) -> None:
        self._kept_path.parent.mkdir(parents=True, exist_ok=True)
        new = self._kept_path.with_suffix(f".{os.getpid()}")
        new.write_bytes(encode_json(self._kept))
        new.replace(self._kept_path)


def _run(kind: Kind, program: Path) -> list[Any] | None:
    """`[version, prefix, package dirs]`, or None."""
    try:
        done = subprocess.run(
            [program, *_COMMANDS[kind]],
            capture_output=True,
            text=True,
            timeout=PROBE_LIMIT_S,
            stdin=subprocess.DEVNULL,
            cwd="/",
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    read: Callable[[str], list[Any]] = _read_java if kind is Kind.JAVA else json.loads
    try:
        return read(done.stdout or done.stderr)
    except (ValueError, KeyError):
        return None


def _read_java(text: str) -> list[Any]:
    """From lines such as `    java.version = 17.0.15`; Java 8 calls itself 1.8."""
    pairs = (line.partition(" = ") for line in text.splitlines())
    settings = {name.strip(): value.strip() for name, _, value in pairs}
    digits = settings["java.version"].partition("-")[0].partition("_")[0].split(".")
    version = [int(digit) for digit in digits]
    return [version[1:] if version[0] == 1 else version, settings["java.home"], []]
