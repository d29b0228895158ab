"""Sandboxes: the backends of `kernel.ports.sandbox`, the wrapper that keeps every one of them safe, and the way out.

`isolated` shuts functions in by Linux namespaces, cgroups and seccomp; `process` runs plain child processes where
that is not possible. A server takes `guarded.guarded(Backend(...))`.
"""
