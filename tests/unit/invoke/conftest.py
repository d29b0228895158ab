from collections.abc import AsyncIterator

import pytest

from tests.unit.invoke.world import World


@pytest.fixture
async def worlds() -> AsyncIterator[list[World]]:
    """Those made with `world.create`; stopped afterwards."""
    made: list[World] = []
    yield made
    for world in made:
        await world.invoker.stop()
