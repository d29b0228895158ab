"""Where interpreters may lie: PATH, version managers' folders, the system's folders.

A version manager's shim is a script that looks for the interpreter and costs ten times the interpreter's own start, so
scripts are left out; what they lead to is found in the manager's folder.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ramuda.runtime.interpreters.interpreter import Kind

PROGRAM_NAMES = {
    Kind.PYTHON: re.compile(r"python3(\.\d+)?"),
    Kind.NODE: re.compile(r"node(js)?"),
    Kind.RUBY: re.compile(r"ruby(\d\.\d)?"),
    Kind.JAVA: re.compile(r"java"),
}
SYSTEM_DIRS = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin")
MANAGED = {
    Kind.PYTHON: (
        "{PYENV_ROOT:~/.pyenv}/versions/*/bin",
        "{UV_PYTHON_INSTALL_DIR:~/.local/share/uv/python}/*/bin",
        "{MISE_DATA_DIR:~/.local/share/mise}/installs/python/*/bin",
        "{ASDF_DATA_DIR:~/.asdf}/installs/python/*/bin",
    ),
    Kind.NODE: (
        "{NVM_DIR:~/.nvm}/versions/node/*/bin",
        "{FNM_DIR:~/.local/share/fnm}/node-versions/*/installation/bin",
        "{VOLTA_HOME:~/.volta}/tools/image/node/*/bin",
        "{MISE_DATA_DIR:~/.local/share/mise}/installs/node/*/bin",
        "{ASDF_DATA_DIR:~/.asdf}/installs/nodejs/*/bin",
    ),
    Kind.RUBY: (
        "{RBENV_ROOT:~/.rbenv}/versions/*/bin",
        "~/.rubies/*/bin",
        "/opt/rubies/*/bin",
        "{MISE_DATA_DIR:~/.local/share/mise}/installs/ruby/*/bin",
        "{ASDF_DATA_DIR:~/.asdf}/installs/ruby/*/bin",
    ),
    Kind.JAVA: (
        "{JAVA_HOME:/usr/lib/jvm/default-java}/bin",
        "/usr/lib/jvm/*/bin",
        "{SDKMAN_DIR:~/.sdkman}/candidates/java/*/bin",
        "{MISE_DATA_DIR:~/.local/share/mise}/installs/java/*/bin",
        "{ASDF_DATA_DIR:~/.asdf}/installs/java/*/bin",
    ),
}
_VARIABLE = re.compile(r"\{(\w+):([^}]*)\}")


def candidates(kind: Kind, environ: Mapping[str, str], more: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Programs that may be interpreters of `kind`, links resolved, each once. `more` are further folders to look in."""
    folders = [*map(Path, environ.get("PATH", "").split(os.pathsep)), *more]
    for pattern in MANAGED[kind]:
        folders.extend(_expand(pattern, environ))
    folders.extend(map(Path, SYSTEM_DIRS))
    seen: set[Path] = set()
    for folder in folders:
        for program in _programs(folder, PROGRAM_NAMES[kind]):
            if program not in seen:
                seen.add(program)
                yield program


def _expand(pattern: str, environ: Mapping[str, str]) -> list[Path]:
    """The folders that a pattern of MANAGED stands for: `{VARIABLE:default}`, `~` and one `*` a part."""
    text = _VARIABLE.sub(lambda match: environ.get(match[1]) or match[2], pattern)
    path = Path(text.replace("~", environ.get("HOME", "~"), 1) if text.startswith("~") else text)
    if not path.is_absolute():
        return []
    return sorted(Path("/").glob(str(path.relative_to("/"))))


def _programs(folder: Path, name: re.Pattern[str]) -> Iterator[Path]:
    try:
        names = sorted(entry for entry in os.listdir(folder) if name.fullmatch(entry))
    except OSError:
        return
    for entry in names:
        program = (folder / entry).resolve()
        if os.access(program, os.X_OK) and program.is_file() and not _is_script(program):
            yield program


def _is_script(program: Path) -> bool:
    try:
        with program.open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return True
