"""The isolated backend: functions shut in by Linux namespaces, control groups and seccomp.

    server process              template process (one a runtime)          sandbox (own mount, pid, net, ipc, uts
    namespaces) Backend -> Template ------- inside.template.serve --clone--> inside.init (pid 1) --fork--> the
    runtime (pid 2)
         `--> IsolatedSandbox --------- control socket -------------'

SnapStart's `snapshot.Origin` is such a sandbox whose initialised runtime is copied into others (`snapshot.Copy`) by
`inside.snapshot_fork`: a tracer that takes every right from a copy before it runs.

`inside` is the code on the far side of the wall; everything else here runs in the server.
"""

from ramuda.sandbox.isolated.backend import Backend
from ramuda.sandbox.isolated.examine import examine

__all__ = ["Backend", "examine"]
