"""/var/runtime/bootstrap.py: starts AWS's runtime client for the function that the environment variables name.

The order of sys.path is Lambda's: the function, its layers, the runtime, Python. Runs on Python 3.8 and later.
"""

import os
import sys


def extend_path() -> None:
    task = os.environ["LAMBDA_TASK_ROOT"]
    runtime = os.path.dirname(os.path.abspath(__file__))
    version = "python{}.{}".format(*sys.version_info[:2])
    first = [task, f"/opt/python/lib/{version}/site-packages", "/opt/python", runtime]
    sys.path[:] = first + [entry for entry in sys.path if entry not in first]


def main() -> None:
    extend_path()
    from awslambdaric.__main__ import main as run

    run(["bootstrap", os.environ["_HANDLER"]])


if __name__ == "__main__":
    main()
