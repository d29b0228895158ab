"""Function and layer code: taken in, unpacked, content-addressed, collected when nobody refers to it any more.

Blobs, by the SHA-256 of the archive: `code/<sha>` the archive itself, `task/<sha>` its files (what /var/task is), and
`opt/<hash of the ordered layers>` several layers merged, later ones over earlier ones, as hard links. One layer alone
needs no merge.

Every key is written down in table `blobs` before the blob is stored, so that a crash leaves nothing that could not be
found again. Collection runs after a start only, and only for what this process has not touched: an environment may
have the files mounted, and a mounted folder must not lose its files.
"""

import asyncio
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ramuda.kernel import limits
from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.ports.api import Api
from ramuda.kernel.ports.blobs import BlobStore
from ramuda.kernel.ports.database import Database, Transaction
from ramuda.services.lambda_ import archive, live_folders, store
from ramuda.services.lambda_.live_folders import LiveFolders
from ramuda.services.lambda_.model import CodeRef, LayerUse
from ramuda.services.lambda_.options import Options
from ramuda.services.lambda_.rules import refusals

T = TypeVar("T")

log = logging.getLogger(__name__)


class CodeStore:
    """Keeps code. Archives are read and unpacked in worker threads, `Options.unpack_workers` at a time."""

    def __init__(self, database: Database, blobs: BlobStore, api: Api, options: Options) -> None:
        self._database = database
        self._blobs = blobs
        self._api = api
        self._live = LiveFolders(blobs, options)
        self._workers = asyncio.Semaphore(options.unpack_workers)
        self._touched: set[str] = set()
        self._deleting = asyncio.Lock()
        self._collector: asyncio.Task[None] | None = None

    async def accept(self, source: dict[str, Any], account: str, region: str) -> CodeRef:
        """Stores and unpacks the archive that a FunctionCode or LayerVersionContentInput names. Raises AWS's errors
        for what cannot be read or is no good archive."""
        live = self._live.reference(source)
        if live is not None:
            return live
        data = await self._read(source, account, region)
        code = await self._work(partial(_refusing, _reference, data))
        await self._touch(f"code/{code.sha256}", f"task/{code.sha256}")
        await self._work(partial(_refusing, self._put, code, data))
        return code

    async def inspect(self, source: dict[str, Any], account: str, region: str) -> CodeRef:
        """What `accept` would return, without storing anything."""
        live = self._live.reference(source)
        if live is not None:
            return live
        data = await self._read(source, account, region)
        return await self._work(partial(_refusing, _reference, data))

    async def archive(self, sha256: str) -> bytes | None:
        """The archive as it was uploaded."""
        try:
            return await self._work(partial(self._blobs.get, f"code/{sha256}"))
        except KeyError:
            return None

    async def task_dir(self, code: CodeRef) -> Path:
        """The folder of the unpacked code; unpacks again what a crash between storing and unpacking left out."""
        if code.folder is not None:
            return await self._live_copy(code.folder)
        key = f"task/{code.sha256}"
        return await self._kept_folder(key, lambda: self._blobs.put_folder(key, partial(self._unpack_again, code)))

    async def opt_dir(self, layers: Sequence[LayerUse]) -> Path | None:
        """The folder that is /opt for these layers; None for none."""
        if not layers:
            return None
        folders = [await self.task_dir(layer.code) for layer in layers]
        if len(folders) == 1:
            return folders[0]
        key = opt_key([folder.name for folder in folders])
        return await self._kept_folder(key, lambda: self._blobs.put_folder(key, partial(merge, folders)))

    async def _live_copy(self, folder: str) -> Path:
        picture = await self._live.picture(folder)
        key = live_folders.key_of(picture)
        return await self._kept_folder(key, lambda: self._live.put(folder, picture))

    async def start_collecting(self) -> None:
        """Deletes, in the background, blobs that no version and no layer refers to."""
        self._collector = asyncio.create_task(self._collect(), name="lambda-code-collector")

    async def stop(self) -> None:
        if self._collector is not None:
            self._collector.cancel()
            await asyncio.gather(self._collector, return_exceptions=True)

    async def collected(self) -> None:
        """Waits until the collection that `start_collecting` began is over."""
        if self._collector is not None:
            await self._collector

    async def _read(self, source: dict[str, Any], account: str, region: str) -> bytes:
        data: bytes | None = source.get("ZipFile")
        if data is None:
            return await self._fetch(source, account, region)
        if len(data) >= limits.ZIP_UPLOAD_BYTES:
            raise refusals.zip_too_large()
        return data

    async def _fetch(self, source: dict[str, Any], account: str, region: str) -> bytes:
        where = {"Bucket": source["S3Bucket"], "Key": source["S3Key"]}
        if "S3ObjectVersion" in source:
            where["VersionId"] = source["S3ObjectVersion"]
        try:
            answer = await self._api.call("s3", "GetObject", where, account=account, region=region)
        except ApiError as e:
            raise refusals.s3_failed(e.code, e.message) from e
        except PortError as e:
            raise ApiError("ServiceException", f"S3 could not be reached: {e}", fault="Server") from e
        return bytes(answer["Body"])

    def _put(self, code: CodeRef, data: bytes) -> None:
        # Unpacked first: an archive that turns out to be bad on the way is not kept.
        self._blobs.put_folder(f"task/{code.sha256}", partial(_unpack, data))
        self._blobs.put(f"code/{code.sha256}", data)

    def _unpack_again(self, code: CodeRef, folder: Path) -> None:
        archive.unpack(self._blobs.get(f"code/{code.sha256}"), folder)

    async def _kept_folder(self, key: str, make: Callable[[], Path]) -> Path:
        if key not in self._touched:
            await self._touch(key)
        path = self._blobs.path(key)
        return path if path is not None else await self._work(make)

    async def _touch(self, *keys: str) -> None:
        async with self._deleting:  # a blob that is just being deleted is made anew, not half used
            fresh = [key for key in keys if key not in self._touched]
            self._touched.update(fresh)
        if fresh:
            await self._database.write(lambda tx: store.add_blobs(tx, fresh))

    async def _collect(self) -> None:
        try:
            deleted = await self._delete_garbage()
        except PortError as e:  # nothing is lost by it: the next start collects
            log.warning("lambda.code.not_collected", extra={"reason": str(e)})
        else:
            log.info("lambda.code.collected", extra={"blobs": deleted})

    async def _delete_garbage(self) -> int:
        garbage = await self._database.read(_garbage)
        for key in sorted(garbage):
            async with self._deleting:
                if key not in self._touched:
                    await asyncio.to_thread(self._blobs.delete, key)
                    await self._database.write(partial(store.drop_blob, key=key))
        return len(garbage)

    async def _work(self, work: Callable[[], T]) -> T:
        async with self._workers:
            return await asyncio.to_thread(work)


def _garbage(tx: Transaction) -> set[str]:
    """Keys of blobs that no version and no layer version refers to."""
    used: set[str] = set()
    for code in store.layer_codes(tx):
        used |= {f"code/{code.sha256}", f"task/{code.sha256}"}
    for deployment in store.deployments(tx):
        layers = deployment.settings.layers
        used |= {f"code/{deployment.code.sha256}", f"task/{deployment.code.sha256}"}
        used |= {f"task/{layer.code.sha256}" for layer in layers}  # of a layer that may be deleted by now
        used |= {f"code/{layer.code.sha256}" for layer in layers}
        used.add(opt_key([layer.code.sha256 for layer in layers]))
    return store.blobs(tx) - used


def opt_key(layers: Sequence[str]) -> str:
    """The blob of several layers, by their digests, merged in this order."""
    return "opt/" + hashlib.sha256("\n".join(layers).encode()).hexdigest()


def merge(folders: Sequence[Path], into: Path) -> None:
    """Fills `into` with hard links to the files of all folders; of files with one path the last folder's stays.
    Symbolic links are copied as links, never followed."""
    for folder in folders:
        for path, names, files in os.walk(folder, followlinks=False):
            here = into / Path(path).relative_to(folder)
            for name in names:
                _merge_entry(Path(path, name), here / name)
            for name in files:
                _merge_entry(Path(path, name), here / name)


def _merge_entry(source: Path, target: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        if target.is_symlink() or not target.is_dir():
            target.unlink(missing_ok=True)
            target.mkdir()
        return
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    try:
        os.link(source, target)
    except OSError:  # another file system, or too many links to one file
        shutil.copy2(source, target)


def _unpack(data: bytes, folder: Path) -> None:
    archive.unpack(data, folder)


def _reference(data: bytes) -> CodeRef:
    return CodeRef(
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        unzipped_bytes=archive.measure(data),
    )


def _refusing(work: Callable[..., T], *args: Any) -> T:
    """Does `work`; AWS's sentences for archives that are no good."""
    try:
        return work(*args)
    except archive.BadArchive as e:
        log.info("lambda.code.refused", extra={"reason": str(e)})
        raise refusals.not_a_zip() from e
    except archive.TooLarge as e:
        raise refusals.unzipped_too_large() from e
