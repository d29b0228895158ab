"""A runtime of the catalogue as a plain child process: paths inside a sandbox are replaced by those of the host."""

import asyncio
import json
import os
import sys
from pathlib import Path

from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.kernel.ports.sandbox import Boot

from .minimal_runtime_api import ANSWER_LIMIT_S, MinimalRuntimeApi

ASSIGNMENT_FD = 3


class RuntimeProcess:
    """Starts when made with `start`; `end` kills it and gives what it printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls, provided: ProvidedRuntime, task: Path, handler: str, api: MinimalRuntimeApi, **env: str
    ) -> "RuntimeProcess":
        spec = provided.spec
        host = _on_host(provided, task)
        environment = {
            **{name: host(value) for name, value in spec.environment},
            "PATH": os.environ["PATH"],
            "_HANDLER": handler,
            "LAMBDA_TASK_ROOT": str(task),
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
            "AWS_LAMBDA_LOG_STREAM_NAME": "s",
            "AWS_REGION": "eu-west-3",
            **env,
        }
        if spec.boot is Boot.WAIT:
            return await cls._start_waiting([host(part) for part in spec.argv], environment, handler)
        argv = [host(part) for part in spec.exec_argv or spec.argv]
        return cls(await _spawn(argv, environment, task))

    @classmethod
    async def _start_waiting(cls, argv: list[str], environment: dict[str, str], handler: str) -> "RuntimeProcess":
        """As a prepared environment: the process is there before the function's variables are."""
        reading, writing = os.pipe()
        move = f"import os, sys; os.dup2({reading}, {ASSIGNMENT_FD}); os.execv(sys.argv[1], sys.argv[1:])"
        at_first = {
            name: environment[name] for name in ("PATH", "NODE_PATH", "GEM_PATH", "RUBYLIB") if name in environment
        }
        mover = [sys.executable, "-I", "-S", "-c", move]
        process = await _spawn([*mover, *argv], at_first, Path("/"), pass_fds=(reading,))
        os.close(reading)
        os.write(writing, json.dumps({"env": environment, "handler": handler}).encode())
        os.close(writing)
        return cls(process)

    async def wait(self) -> int:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            return await self._process.wait()

    async def end(self) -> str:
        if self._process.returncode is None:
            self._process.kill()
        output, _ = await self._process.communicate()
        return output.decode()


async def _spawn(
    argv: list[str], env: dict[str, str], cwd: Path, pass_fds: tuple[int, ...] = ()
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *argv,
        env=env,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        pass_fds=pass_fds,
    )


def _on_host(provided: ProvidedRuntime, task: Path):
    places = {mount.inside: str(mount.host) for mount in provided.spec.mounts}
    places |= {"/var/runtime": str(provided.spec.runtime_dir), "/var/task": str(task)}

    def translate(text: str) -> str:
        for inside in sorted(places, key=len, reverse=True):
            text = text.replace(inside, places[inside])
        return text

    return translate
