"""Executed between the server and the runtime: limits, the assignment on fd 3, then the runtime itself.

    python -I -S shim.py OPEN_FILES ASSIGNMENT_FD PROGRAM ARGUMENT...

A file of its own rather than a function called between fork and exec, where the server's threads make Python code
unsafe.
"""

import os
import resource
import signal
import sys

NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as a shell exits


def main(open_files: int, assignment_fd: int, argv: list[str]) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = open_files if hard == resource.RLIM_INFINITY else min(open_files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o022)
    os.dup2(assignment_fd, 3, inheritable=True)
    if assignment_fd != 3:
        os.close(assignment_fd)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores them
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - that is what it is for
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
