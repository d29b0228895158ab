"""The beginning of an environment that is restored from a snapshot: no Init, but the after-restore hooks.

They have a limit of their own, together with what it takes to bring the copy about. A restore that fails ends the
environment, and the caller is told: AWS does not try again either.

Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks.html"""

from ramuda.kernel.errors import PortError
from ramuda.kernel.function import RestoreFailed
from ramuda.runtime.api.restore import SnapStart
from ramuda.runtime.beginning import Beginning
from ramuda.runtime.states import Begun, InitFailure


class Restoring(Beginning):
    """Stands in for `Beginning`."""

    is_restored = True

    async def first(self) -> InitFailure | None:
        """Raises RestoreFailed, PortError."""
        self._chronicle.restore_start(self._runtime.runtime_version)
        began_s = self._clock.monotonic()
        failure = await self._start_runtime(max(0.001, self._options.restore_timeout_s - (began_s - self._born_s)))
        now_s = self._clock.monotonic()
        restore_ms = (now_s - self._born_s) * 1000
        self._chronicle.restore_report(restore_ms, failure)
        if failure is None:
            self.begun = Begun(restore_ms=restore_ms, billed_restore_ms=(now_s - began_s) * 1000)
            return None
        if failure.status == "timeout":
            limit_s = self._options.restore_timeout_s
            raise RestoreFailed("timeout", f"the after-restore hooks took longer than {limit_s:g} seconds")
        raise RestoreFailed("error", failure.error_type)

    async def again(self) -> InitFailure | None:
        raise PortError("a restored environment is not started again")


def beginning_of(snap_start: SnapStart | None) -> type[Beginning]:
    """How an environment begins."""
    return Restoring if snap_start is not None and snap_start.is_restored else Beginning
