"""Links to stored archives, as `Code.Location` of GetFunction and `Content.Location` of GetLayerVersion give them.

A link carries the archive's name, an expiry and a MAC over both, and needs no other authorization, as AWS's presigned
links do. The key is made at start: links do not survive a restart. They work for ten minutes (service model of
GetFunction).
"""

import base64
import hashlib
import hmac
from pathlib import Path

from ramuda.kernel.clock import Clock
from ramuda.kernel.ids import Ids
from ramuda.services.lambda_.code import CodeStore
from ramuda.services.lambda_.model import CodeRef
from ramuda.services.lambda_.options import Options

PREFIX = "/_ramuda/code/"


class Downloads:
    """Makes links and answers them."""

    prefix = PREFIX

    def __init__(self, code: CodeStore, clock: Clock, ids: Ids, options: Options) -> None:
        self._code = code
        self._clock = clock
        self._valid_s = options.code_link_s
        self._key = bytes.fromhex(ids.hex(64))

    def link(self, endpoint: str, code: CodeRef) -> str:
        """A URL under `endpoint` (`http://localhost:4566`) from which the archive can be read for a while."""
        if code.folder is not None:
            return Path(code.folder).as_uri()
        claim = f"{code.sha256}.{int(self._clock.time() + self._valid_s)}"
        return f"{endpoint}{PREFIX}{claim}.{self._mac(claim)}"

    async def read(self, path: str) -> bytes | None:
        """The archive a link's path leads to; None when the link was not made here, or is too old, or the archive is
        gone."""
        claim, _, mac = path.removeprefix(PREFIX).rpartition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(claim).encode()):
            return None
        sha256, _, expires_at = claim.partition(".")
        if self._clock.time() > int(expires_at):
            return None
        return await self._code.archive(sha256)

    def _mac(self, claim: str) -> str:
        digest = hmac.new(self._key, claim.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
