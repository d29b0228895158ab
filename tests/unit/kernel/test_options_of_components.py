"""What stands in a configuration file reaches the component that it is for."""

from pathlib import Path

import pytest

from ramuda.config import load
from ramuda.kernel.errors import ConfigError
from ramuda.server.server import Server

FILE = """
[invoke]
scaling_environments = 7
requests_per_concurrency = 3.0
provision_again_s = 0.5

[lambda]
account_concurrency = 12
recursion_limit = 3

[lambda.events]
retry_after_s = [1.0, 2.0]
back_off_s = 0.25
backlog_bytes = 1000

[images]
retry_after_s = [0.5]

[runtime]
idle_s = 5.0
restore_timeout_s = 2.0
"""


async def test_a_file_changes_what_components_do(tmp_path: Path) -> None:
    file = tmp_path / "ramuda.toml"
    file.write_text(FILE)
    values = {"port": 0, "data_dir": str(tmp_path / "data"), "sandbox": {"backend": "process"}}
    server = Server(load(values, file))
    assert server.options.images.retry_after_s == (0.5,)
    await server.start()
    try:
        invoker = server.invoker
        assert invoker.concurrency.region("1", "r").limit == 12
        assert invoker.concurrency._scaling_interval_s == 10 / 7
        assert invoker.provisioning._options.provision_again_s == 0.5
        assert invoker.tracing._recursion_limit == 3
        assert invoker.placement._options.idle_s == 5
        assert server.snapshots._options.restore_timeout_s == 2
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[lambda.events]\nretries_after_s = [1]\n", "unknown field `retries_after_s` - at `$.lambda.events`"),
        ("[invoke]\nscaling = 1\n", "unknown field `scaling` - at `$.invoke`"),
        ("[images]\nworker = 1\n", "unknown field `worker` - at `$.images`"),
        ("[runtime]\nidle = 1\n", "unknown field `idle` - at `$.runtime`"),
        ("[lambda.events]\nretry_after_s = []\n", "length >= 1 - at `$.lambda.events.retry_after_s`"),
    ],
)
def test_an_option_that_is_not_known_or_cannot_be_stops_the_start(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "ramuda.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load({}, file)
    assert complaint in str(refused.value)
