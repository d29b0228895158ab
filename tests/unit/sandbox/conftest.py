"""An isolated backend for tests of what only that one does."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ramuda.kernel.ports.sandbox import SandboxBackend
from ramuda.sandbox import isolated
from ramuda.sandbox.guarded import guarded
from ramuda.sandbox.options import Options
from tests.sandboxes import CodeStore, client_folder


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox-unit")


@pytest.fixture(scope="session")
def client(work: Path) -> Path:
    """/var/runtime, with a package that the template imports and a function may bring itself."""
    folder = client_folder(work / "client")
    (folder / "house_library.py").write_text("ORIGIN = 'the platform'\nimport colorsys\n")
    return folder


@pytest.fixture
def code(tmp_path: Path) -> CodeStore:
    return CodeStore(tmp_path)


@pytest.fixture
async def isolated_backend(work: Path, tmp_path: Path) -> AsyncIterator[SandboxBackend]:
    capability = await isolated.examine(Options())
    if not capability.usable:
        pytest.skip("; ".join(finding.detail for finding in capability.findings if not finding.ok))
    backend = guarded(isolated.Backend(Options(), work / "isolated", tmp_path))
    yield backend
    await backend.close()
