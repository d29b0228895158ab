"""Executed between the server and the runtime: limits, the assignment on fd 3, then the runtime itself.

    python -I -S shim.py OPEN_FILES ASSIGNMENT_FD FRAMES_FD PROGRAM ARGUMENT...

FRAMES_FD is -1 where there is no framed log channel.

A file of its own rather than a function called between fork and exec, where the server's threads make Python code
unsafe.
"""

import os
import resource
import signal
import sys

ASSIGNMENT_FD, FRAMES_FD = 3, 5
NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as a shell exits


def main(open_files: int, assignment_fd: int, frames_fd: int, argv: list[str]) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = open_files if hard == resource.RLIM_INFINITY else min(open_files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o022)
    if frames_fd >= 0:
        _move(frames_fd, FRAMES_FD)
    _move(assignment_fd, ASSIGNMENT_FD)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores them
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - that is what it is for
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE)


def _move(fd: int, target: int) -> None:
    os.dup2(fd, target, inheritable=True)
    if fd != target:
        os.close(fd)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
