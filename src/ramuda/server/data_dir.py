"""The data directory: one server at a time, readable by its owner alone, with the server's own secret in it."""

import fcntl
import hashlib
import hmac
import os
from pathlib import Path

from ramuda.kernel.errors import ConfigError

SECRET_BYTES = 32


class DirInUse(ConfigError):  # noqa: N818 - a state of the directory, which `ramuda keys` expects
    """Another process has the directory."""


class DataDir:
    """Holds the directory for this process until `release`. Raises DirInUse when another server has it,
    ConfigError when it cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as e:
            raise ConfigError(f"--data-dir {path}: {e.strerror}") from e
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            os.close(self._lock)
            raise DirInUse(f"--data-dir {path}: another server is using it; stop it or name another directory") from e

    def secret(self) -> bytes:
        """The server's secret, made at the first start."""
        path = self.path / "secret"
        try:
            return path.read_bytes()
        except FileNotFoundError:
            pass
        secret = os.urandom(SECRET_BYTES)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        return secret

    def key(self, purpose: str) -> bytes:
        """32 bytes derived from the secret, another for each purpose."""
        return hmac.new(self.secret(), purpose.encode(), hashlib.sha256).digest()

    def release(self) -> None:
        os.close(self._lock)
