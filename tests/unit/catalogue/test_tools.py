import sys
import threading

import pytest

from ramuda.kernel.errors import PortError
from ramuda.runtime.provision import Background, Tools

PYTHON = [sys.executable, "-I", "-S", "-c"]


def test_a_program_answers_with_what_it_printed(tmp_path):
    code = "import os; print(os.environ['A'], os.getcwd())"
    assert Tools(30).run([*PYTHON, code], what="w", cwd=tmp_path, env={"A": "b"}) == f"b {tmp_path}\n"


def test_a_failure_says_what_for_and_how_it_ended():
    code = "import sys; print(*range(100), sep='\\n'); sys.exit(3)"
    with pytest.raises(PortError, match=r"installing x: .* failed:") as caught:
        Tools(30).run([*PYTHON, code], what="installing x")
    assert str(caught.value).endswith("\n98\n99")
    assert len(str(caught.value).splitlines()) == 16


def test_a_missing_program_is_a_port_error():
    with pytest.raises(PortError, match="installing x: cannot run /no/such: No such file"):
        Tools(30).run(["/no/such"], what="installing x")
    assert Tools(30).missing("sh", "no-such-program") == ["no-such-program"]


def test_what_takes_too_long_is_ended():
    with pytest.raises(PortError, match=r"took longer than 0.05 s"):
        Tools(0.05).run([*PYTHON, "import signal; signal.pause()"], what="w")


def test_stop_ends_what_runs_with_its_children_and_starts_nothing_more(tmp_path):
    tools, failures = Tools(30), []
    ready = tmp_path / "ready"
    # The child holds the output open: only when it is ended as well does `run` return.
    code = (
        f"import os, signal; os.fork(); os.mkfifo({str(ready)!r}) if os.getpid() == os.getpgrp() else 0; signal.pause()"
    )

    def run() -> None:
        try:
            tools.run([*PYTHON, code], what="w")
        except PortError as e:
            failures.append(str(e))

    thread = threading.Thread(target=run)
    thread.start()
    while not ready.exists():
        assert thread.is_alive()
    tools.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert len(failures) == 1
    with pytest.raises(PortError, match="w: stopped"):
        tools.run(["true"], what="w")


def test_an_installation_in_the_background_is_begun_once(tmp_path):
    events, calls = [], []
    background = Background(lambda event, **fields: events.append((event, fields["what"])))

    def install():
        calls.append(1)
        return tmp_path

    first, second = (background.begin("x", install) for _ in range(2))
    background.finish()
    assert first is second
    assert first.result() == tmp_path
    assert (calls, background.is_busy()) == ([1], False)
    assert events == [("runtime.installing", "x"), ("runtime.installed", "x")]
    background.stop()


def test_a_failed_installation_is_told_and_not_tried_again():
    events = []
    background = Background(lambda event, **fields: events.append((event, fields.get("error"))))

    def install():
        raise PortError("no network")

    background.begin("x", install)
    background.finish()
    with pytest.raises(PortError, match="no network"):
        background.begin("x", install).result()
    assert events == [("runtime.installing", None), ("runtime.install_failed", "no network")]
    background.stop()
