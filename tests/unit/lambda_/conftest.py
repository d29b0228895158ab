from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.lambda_.harness import Lambda


@pytest.fixture
async def lambda_(tmp_path: Path) -> AsyncIterator[Lambda]:
    made = await Lambda(tmp_path).start()
    yield made
    await made.stop()
