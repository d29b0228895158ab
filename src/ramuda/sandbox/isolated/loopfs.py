"""A /tmp of fixed size that does not count as memory: an ext4 file system in a sparse file behind a loop device.

Per size there is a template image, made once by mkfs.ext4 and kept in the work folder. A volume is a sparse copy of
it, unlinked at once and attached to a loop device that clears itself: when the sandbox's mount namespace ends,
device and disk space are free again, whatever happened to the server. The image is larger than asked for by what
ext4 needs for itself, so that a function can write what it was promised and no more.
"""

import errno
import fcntl
import os
import shutil
import struct
import subprocess
import threading
from pathlib import Path

from ramuda.kernel import limits
from ramuda.sandbox.isolated.inside import syscalls

BLOCK_BYTES = 4096
KEPT_BLOCKS_MAX = 4096
"""The kernel keeps a fiftieth of the blocks for itself, at most these (ext4_calculate_resv_clusters)."""
MKFS = "mkfs.ext4"
SBIN = "/usr/sbin:/sbin:/usr/bin:/bin"
# No journal: nothing survives a crash anyway. No reserve for root. Tables are zeroed by being holes.
MKFS_ARGUMENTS = ("-q", "-F", "-m", "0", "-O", "^has_journal,^resize_inode,^metadata_csum", "-b", str(BLOCK_BYTES))
INODES_PER_MIB = 64

LOOP_CONTROL = "/dev/loop-control"
LOOP_CTL_GET_FREE, LOOP_CONFIGURE = 0x4C82, 0x4C0A
LO_FLAGS_AUTOCLEAR, LO_FLAGS_DIRECT_IO = 4, 16
LOOP_MAJOR = 7
LOOP_CONFIG_BYTES, LOOP_FLAGS_AT = 304, 8 + 52  # struct loop_config: fd, block_size, struct loop_info64
ATTEMPTS = 20
_choosing = threading.Lock()
"""The kernel names a free device but does not reserve it: threads would all try to take the same."""
SUPERBLOCK_AT = 1024  # ext4 disk layout: free blocks at 12, log2(block size / 1024) at 24


class Volumes:
    """Makes volumes. Blocks for some milliseconds, the first time for a size for longer; may be used by several
    threads."""

    def __init__(self, work_dir: Path) -> None:
        self._work_dir = work_dir
        self._images: dict[int, Path] = {}
        self._lock = threading.Lock()

    def make(self, mib: int) -> int:
        """A mount attached nowhere, as a file descriptor. Raises OSError."""
        image = self._image(mib)
        copy = self._work_dir / f"tmp-{os.urandom(8).hex()}.img"
        fd = _copy_sparse(image, copy)
        try:
            copy.unlink()
            return _mount(fd)
        finally:
            os.close(fd)

    def _image(self, mib: int) -> Path:
        with self._lock:
            if mib not in self._images:
                path = self._work_dir / f"tmp-{mib}.ext4"
                if not path.exists():
                    make_image(path, mib)
                self._images[mib] = path
            return self._images[mib]


def make_image(path: Path, mib: int) -> None:
    """A file system with room for `mib` MiB of files: the first attempt tells what ext4 takes for itself."""
    scratch = path.with_suffix(f".{os.urandom(4).hex()}")
    wanted = mib * limits.MIB
    try:
        _format(scratch, wanted, mib)
        blocks = (2 * wanted - _free_bytes(scratch)) // BLOCK_BYTES
        _format(scratch, (blocks + min(blocks // 49, KEPT_BLOCKS_MAX)) * BLOCK_BYTES, mib)
        _finish(scratch)
        scratch.rename(path)
    finally:
        scratch.unlink(missing_ok=True)


def _format(path: Path, size_bytes: int, mib: int) -> None:
    program = shutil.which(MKFS, path=SBIN)
    if program is None:
        raise FileNotFoundError(errno.ENOENT, "mkfs.ext4 is not installed")
    with path.open("wb") as file:
        file.truncate(size_bytes)
    owner = f"lazy_itable_init=1,nodiscard,root_owner={limits.SANDBOX_UID}:{limits.SANDBOX_GID}"
    command = [program, *MKFS_ARGUMENTS, "-N", str(mib * INODES_PER_MIB), "-E", owner, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise OSError(errno.EIO, f"mkfs.ext4 failed: {done.stderr.strip()}")


def _finish(image: Path) -> None:
    """Makes the root what /tmp is on Lambda: empty, and everybody's."""
    file = os.open(image, os.O_RDWR)
    try:
        root = _mount(file)
    finally:
        os.close(file)
    try:
        os.rmdir("lost+found", dir_fd=root)
        os.chmod(".", 0o1777, dir_fd=root)  # noqa: S103
    finally:
        os.close(root)  # unmounts: all is in the file when this returns


def _free_bytes(image: Path) -> int:
    with image.open("rb") as file:
        file.seek(SUPERBLOCK_AT)
        superblock = file.read(64)
    (free,), (shift,) = struct.unpack_from("<I", superblock, 12), struct.unpack_from("<I", superblock, 24)
    return int(free) << (10 + int(shift))


def _copy_sparse(source: Path, target: Path) -> int:
    """A new file with the data of `source` and holes where it has holes, open for reading and writing."""
    reading = os.open(source, os.O_RDONLY)
    writing = os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        size = os.fstat(reading).st_size
        os.ftruncate(writing, size)
        end = 0
        while (start := _next_data(reading, end)) is not None:
            end = os.lseek(reading, start, os.SEEK_HOLE)
            at = start
            while at < end:
                at += os.copy_file_range(reading, writing, end - at, at, at)
    except OSError:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    return writing


def _next_data(fd: int, at: int) -> int | None:
    try:
        return os.lseek(fd, at, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        raise


def _mount(image_fd: int) -> int:
    """A mount of the image, attached nowhere, as a file descriptor. It keeps the loop device, which keeps the image."""
    device, path = _attach_loop(image_fd)
    try:
        attributes = syscalls.MOUNT_NOSUID | syscalls.MOUNT_NODEV
        return syscalls.new_filesystem("ext4", attributes, {"source": path, "discard": None})
    finally:
        os.close(device)


def _attach_loop(fd: int) -> tuple[int, str]:
    """A loop device over `fd`: its descriptor, which must stay open until it is mounted, and its path."""
    config = bytearray(LOOP_CONFIG_BYTES)
    struct.pack_into("II", config, 0, fd, BLOCK_BYTES)
    struct.pack_into("I", config, LOOP_FLAGS_AT, LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO)
    control = os.open(LOOP_CONTROL, os.O_RDWR)
    try:
        for _ in range(ATTEMPTS):
            with _choosing:
                device, path = _open_loop(fcntl.ioctl(control, LOOP_CTL_GET_FREE))
                try:
                    fcntl.ioctl(device, LOOP_CONFIGURE, bytes(config))
                except OSError as error:
                    os.close(device)
                    if error.errno != errno.EBUSY:  # another process took it meanwhile
                        raise
                else:
                    return device, path
    finally:
        os.close(control)
    raise OSError(errno.EBUSY, "no free loop device")


def _open_loop(number: int) -> tuple[int, str]:
    path = f"/dev/loop{number}"
    if not os.path.exists(path):  # in a container /dev does not follow the kernel
        os.mknod(path, 0o60600, os.makedev(LOOP_MAJOR, number))
    return os.open(path, os.O_RDWR), path
