"""`Library` implements `ports.Images`: finds images, pins them, unpacks each once."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.images import ImageError, ImageFault, PinnedImage, UnpackedImage
from ramuda.runtime.images import layout, manifest, reference
from ramuda.runtime.images.manifest import CONFIG_BYTES, DIGEST_PREFIX, Configuration, Manifest
from ramuda.runtime.images.options import Options
from ramuda.runtime.images.source import Source
from ramuda.runtime.images.store import Store
from ramuda.runtime.images.unpack import Budget

log = logging.getLogger("ramuda.images")


class Library:
    """Images below one folder. `open` before anything else; `close` ends what is under way."""

    def __init__(self, path: Path, options: Options, clock: Clock) -> None:
        self._store = Store(path)
        self._options = options
        self._clock = clock
        self._workers = asyncio.Semaphore(options.workers)
        self._under_way: dict[str, asyncio.Task[UnpackedImage]] = {}
        self._touched: set[str] = set()
        self._budgets: set[Budget] = set()
        self._deleting = asyncio.Lock()

    async def open(self) -> None:
        await asyncio.to_thread(self._store.open)

    async def close(self) -> None:
        for budget in self._budgets:
            budget.stop()
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def resolve(self, uri: str, architecture: str) -> PinnedImage:
        place = reference.parse(uri)
        async with self._opened(place) as source:
            digest, found, _ = await _image(source, place.digest, architecture)
        manifest.check_size(found, self._options.image_bytes)
        return PinnedImage(uri=uri, resolved_uri=place.pinned(digest), digest=digest, architecture=architecture)

    async def unpack(self, image: PinnedImage) -> UnpackedImage:
        async with self._deleting:  # an image that is just being deleted is made anew, not half used
            self._touched.add(image.digest)
        found = await asyncio.to_thread(self._store.find, _sha256(image.digest))
        if found is not None:
            return found
        task = self._under_way.get(image.digest)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._unpack(image), name=f"image {image.digest}")
            self._under_way[image.digest] = task
            task.add_done_callback(lambda _: self._under_way.pop(image.digest, None))
        return await asyncio.shield(task)

    async def collect(self, used: set[str]) -> int:
        while True:
            if self._under_way:
                await asyncio.wait(self._under_way.values())  # their layers belong to no image yet
            async with self._deleting:
                if self._under_way:
                    continue
                keep = {_sha256(digest) for digest in used | self._touched}
                count, folder = await asyncio.to_thread(self._store.take_out, keep)
            await asyncio.to_thread(self._store.delete, folder)
            return count

    async def _unpack(self, image: PinnedImage) -> UnpackedImage:
        """Tries again what failed for other reasons than the image."""
        for wait_s in (*self._options.retry_after_s, None):
            try:
                return await self._unpack_once(image)
            except PortError as e:
                if wait_s is None or not e.retryable:
                    raise
                log.warning("image.again image=%s error=%s", image.resolved_uri, e)
                await self._clock.sleep(wait_s)
        raise AssertionError  # the last attempt answered or raised

    async def _unpack_once(self, image: PinnedImage) -> UnpackedImage:
        budget = Budget(image_bytes=self._options.image_bytes, entries=self._options.image_entries)
        self._budgets.add(budget)
        began_s = self._clock.monotonic()
        try:
            async with self._workers, self._opened(reference.parse(image.resolved_uri)) as source:
                _, found, configuration = await _image(source, image.digest, image.architecture)
                await self._fill(source, image, found, configuration, budget)
        except BaseException:
            budget.stop()  # a thread that still works on it ends
            raise
        finally:
            self._budgets.discard(budget)
        seconds = round(self._clock.monotonic() - began_s, 1)
        log.info("image.unpacked image=%s seconds=%s", image.resolved_uri, seconds)
        unpacked = await asyncio.to_thread(self._store.find, _sha256(image.digest))
        if unpacked is None:
            raise PortError(f"the image {image.digest} was deleted meanwhile", retryable=True)
        return unpacked

    async def _fill(
        self, source: Source, image: PinnedImage, found: Manifest, configuration: Configuration, budget: Budget
    ) -> None:
        store = self._store
        async with AsyncExitStack() as stack:
            scratch = stack.enter_context(store.making())
            for layer, diff_id in zip(found.layers, configuration.rootfs.diff_ids, strict=True):
                if store.has_layer(layer.sha256):
                    continue
                blob = scratch / "blob"
                await source.fetch(layer, blob, budget.is_stopped)
                await _work(partial(store.add_layer, blob, layer, diff_id, budget, scratch), budget)
                blob.unlink()
            await _work(partial(store.add_root, _sha256(image.digest), found, configuration, scratch), budget)

    @asynccontextmanager
    async def _opened(self, place: reference.Reference) -> AsyncIterator[Source]:
        if isinstance(place, reference.RegistryReference):
            from ramuda.runtime.images import registry  # aiohttp takes 0.1 s to import, and few need it

            async with registry.opened(place, self._options) as source:
                yield source
            return
        if self._options.local_paths is False:
            raise ImageError(ImageFault.BAD_URI, "this server takes no images from its own files (local_paths)")
        yield await layout.opened(place)


async def _image(source: Source, digest: str | None, architecture: str) -> tuple[str, Manifest, Configuration]:
    """The image for the architecture: its digest, manifest and configuration."""
    data, media_type = await source.manifest(digest)
    document = manifest.parse(data, media_type)
    if isinstance(document, manifest.Index):
        chosen = manifest.choose(document, architecture)
        data, media_type = await source.manifest(chosen.digest)
        document = manifest.parse(data, media_type or chosen.media_type)
    if isinstance(document, manifest.Index):
        raise ImageError(ImageFault.UNSUPPORTED, "an index names another index")
    configuration = manifest.parse_configuration(await source.blob(document.config, CONFIG_BYTES), document)
    manifest.check_platform(configuration, architecture)
    return manifest.digest_of(data), document, configuration


async def _work(work: "partial[None]", budget: Budget) -> None:
    """In a thread, to whose end it is waited for also when the caller is cancelled: it works in a folder that goes."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        budget.stop()
        await asyncio.gather(task, return_exceptions=True)
        raise


def _sha256(digest: str) -> str:
    return digest.removeprefix(DIGEST_PREFIX)
