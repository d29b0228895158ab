"""Makes isolated sandboxes: one template process a runtime, started when it is first wanted; groups, volumes and
clean-up."""

import asyncio
import contextlib
import functools
import itertools
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from ramuda.kernel import limits
from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Boot, NotCopyable, Origin, RuntimeSpec, Sandbox
from ramuda.sandbox.isolated import cgroup, cgroup_v1, cgroup_v2, loopfs, snapshot
from ramuda.sandbox.isolated.channel import close_all
from ramuda.sandbox.isolated.inside import wire
from ramuda.sandbox.isolated.sandbox import IsolatedSandbox
from ramuda.sandbox.isolated.template import Template
from ramuda.sandbox.options import Options

T = TypeVar("T")
S = TypeVar("S", bound=IsolatedSandbox)

THREADS = 4
REMOVE_STEP_S, REMOVE_ATTEMPTS = 0.05, 100


class Backend:
    """Implements `ports.sandbox.SandboxBackend`.

    `work_dir` is a folder of this backend's own, `code_root` the folder below which every function's code lies.
    Neither is visible to functions.
    """

    name = "isolated"

    def __init__(self, options: Options, work_dir: Path, code_root: Path, log: logging.Logger | None = None) -> None:
        self._options = options
        self._work_dir = work_dir.resolve()
        self._code_root = code_root.resolve()
        self._log = log or logging.getLogger("ramuda.sandbox")
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ramuda-sandbox")
        self._opened: asyncio.Task[None] | None = None
        self._groups: cgroup.Groups | None = None
        self._volumes: loopfs.Volumes | None = None
        self._templates: dict[RuntimeSpec, asyncio.Task[Template]] = {}
        self._sandboxes: set[IsolatedSandbox] = set()
        self._removals: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)

    async def prepare(self, runtime: RuntimeSpec) -> Sandbox:
        template = await self._template(runtime)
        template.users += 1
        sandbox_id = f"{runtime.name}-{next(self._numbers)}"
        try:
            return await self._make(sandbox_id, template, IsolatedSandbox)
        except OSError as error:
            raise PortError(f"sandbox {sandbox_id}: {error}", retryable=True) from error
        finally:
            self._let_go(template)  # the sandbox that was made counts for itself

    async def prepare_origin(self, runtime: RuntimeSpec) -> Origin:
        if runtime.boot is not Boot.FORK:
            raise NotCopyable(f"{runtime.name} cannot be copied once it is initialised: only Python can")
        template = await self._template(runtime)
        sandbox_id = f"{runtime.name}-{next(self._numbers)}"
        try:
            origin = await self._make(sandbox_id, template, snapshot.Origin)
        except OSError as error:
            raise PortError(f"sandbox {sandbox_id}: {error}", retryable=True) from error
        origin.make_copy = self._copy
        return origin

    async def _copy(self, origin: snapshot.Origin) -> snapshot.Copy:
        copy_id = f"{origin.id}.{next(self._numbers)}"
        return await self._make(copy_id, origin.template, functools.partial(snapshot.Copy, origin=origin))

    async def close(self) -> None:
        for sandbox in list(self._sandboxes):
            await sandbox.kill()
        for starting in self._templates.values():
            with contextlib.suppress(PortError, asyncio.CancelledError):
                await (await starting).close()
        self._templates.clear()
        await asyncio.gather(*self._removals)
        if self._groups is not None:
            self._groups.close()
        self._threads.shutdown(wait=False)

    # Templates

    async def _template(self, runtime: RuntimeSpec) -> Template:
        starting = self._templates.get(runtime)
        if starting is None or (starting.done() and not _lives(starting)):
            starting = asyncio.get_running_loop().create_task(self._start_template(runtime, starting))
            self._templates[runtime] = starting
        return await asyncio.shield(starting)

    async def _start_template(self, runtime: RuntimeSpec, former: "asyncio.Task[Template] | None") -> Template:
        if former is not None and former.exception() is None:
            self._log.warning("sandbox.template_ended runtime=%s", runtime.name)
            await former.result().close()
        if self._opened is None:
            self._opened = asyncio.get_running_loop().create_task(self._open())
        await asyncio.shield(self._opened)
        template = Template(runtime)
        await template.start(self._options, self._work_dir / "root", self._code_root, self._threads)
        return template

    def _let_go(self, template: Template) -> None:
        """An image's template ends with its last sandbox: there is one for every image that was ever deployed."""
        template.users -= 1
        if template.users or template.spec.root is None or not template.is_alive:
            return
        template.is_alive = False
        del self._templates[template.spec]
        task = asyncio.get_running_loop().create_task(template.close())
        self._removals.add(task)
        task.add_done_callback(self._removals.discard)

    async def _open(self) -> None:
        """Finds out what there is to work with, once."""
        (self._work_dir / "root").mkdir(parents=True, exist_ok=True)
        self._work_dir.chmod(0o700)
        self._groups = await self._in_thread(lambda: find_groups(self._options))
        if os.geteuid() == 0:
            self._volumes = loopfs.Volumes(self._work_dir)

    # Sandboxes

    async def _make(self, sandbox_id: str, template: Template, kind: Callable[..., S]) -> S:
        group, entrances = await self._in_thread(lambda: self._make_group(sandbox_id), undo=_unmake_group)
        reading, writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(reading, False)
        ours, theirs = wire.pair()
        sandbox = kind(
            sandbox_id,
            template=template,
            options=self._options,
            code_root=self._code_root,
            group=group,
            control=ours,
            output=reading,
            make_tmp=self._make_tmp,
            removed=self._removed,
        )
        self._sandboxes.add(sandbox)
        template.users += 1
        try:
            await sandbox.prepare(entrances, writing, theirs, limits.TMP_MIB_DEFAULT)
        except BaseException:
            await asyncio.shield(sandbox.kill())
            raise
        finally:
            theirs.close()
            close_all([writing, *entrances])
        return sandbox

    def _make_group(self, name: str) -> tuple[cgroup.Group | None, list[int]]:
        if self._groups is None:
            return None, []
        group = self._groups.create(name)
        try:
            return group, group.entrances()
        except OSError:
            group.remove()
            raise

    async def _make_tmp(self, mib: int) -> int | None:
        """A volume for /tmp; None where it has to be memory."""
        volumes = self._volumes
        if volumes is None:
            return None
        try:
            return await self._in_thread(lambda: volumes.make(mib), undo=os.close)
        except OSError as error:
            self._volumes = None
            self._log.warning("sandbox.tmp_in_memory reason=%s", error)
            return None

    def _removed(self, sandbox: IsolatedSandbox) -> None:
        if sandbox not in self._sandboxes:
            return
        self._sandboxes.discard(sandbox)
        self._let_go(sandbox.template)
        if sandbox.group is not None:
            task = asyncio.get_running_loop().create_task(self._remove_group(sandbox.id, sandbox.group))
            self._removals.add(task)
            task.add_done_callback(self._removals.discard)

    async def _remove_group(self, sandbox_id: str, group: cgroup.Group) -> None:
        for _ in range(REMOVE_ATTEMPTS):
            if await self._in_thread(group.remove):
                return
            await asyncio.sleep(REMOVE_STEP_S)
        self._log.warning("sandbox.group_remains id=%s", sandbox_id)

    async def _in_thread(self, work: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
        """`undo` is given what `work` made for a caller that was cancelled meanwhile."""
        made = self._threads.submit(work)
        try:
            return await asyncio.wrap_future(made)
        except asyncio.CancelledError:
            if undo is not None and not made.cancelled():
                made.add_done_callback(lambda done: None if done.exception() else undo(done.result()))
            raise


def _unmake_group(made: tuple[cgroup.Group | None, list[int]]) -> None:
    group, entrances = made
    close_all(entrances)
    if group is not None:
        group.remove()


def find_groups(options: Options) -> cgroup.Groups | None:
    """The control groups of this machine, None where this process may make none."""
    with contextlib.suppress(OSError):
        return cgroup_v2.Groups(options)
    with contextlib.suppress(OSError):
        return cgroup_v1.Groups(options)
    return None


def _lives(starting: "asyncio.Task[Template]") -> bool:
    return not starting.cancelled() and starting.exception() is None and starting.result().is_alive
