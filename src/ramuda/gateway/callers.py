"""Who calls: the principal behind a request.

With signature checking it is the owner of the key that signed. Without, whoever a request names is believed: the owner
of a key that was made here, else the root of the account that a 12-digit access key id names, else the default
account's root.
"""

from ramuda.authz.credentials import LONG_TERM_PREFIX, CredentialStore, root_principal
from ramuda.gateway.messages import Request
from ramuda.gateway.options import Options
from ramuda.gateway.sigv4 import Claim, Malformed, Reading, Verifier
from ramuda.kernel.call import Principal
from ramuda.kernel.clock import Clock

_ROOTS_REMEMBERED = 1024


class Callers:
    """Identifies callers."""

    def __init__(self, credentials: CredentialStore, options: Options, clock: Clock) -> None:
        self._credentials, self._options = credentials, options
        self._verifier = Verifier(credentials, clock) if options.auth else None
        self._roots: dict[str | None, Principal] = {}

    async def identify(self, request: Request, reading: Reading) -> Principal:
        """Raises RefusedError where signatures are checked and this one is not right. A key counts from the moment it
        was made until the moment it was deleted, by whichever process."""
        if isinstance(reading, Claim) and reading.session_token is None:
            if self._verifier is None and reading.scope.access_key_id in self._roots:
                return self._roots[reading.scope.access_key_id]
            await self._credentials.refresh()
        if self._verifier is not None:
            return self._verifier.verify(request, reading)
        if isinstance(reading, Claim):
            key = self._credentials.find(reading.scope.access_key_id, reading.session_token)
            return key.principal if key is not None else self._root(reading.scope.access_key_id)
        return self._root(reading.access_key_id if isinstance(reading, Malformed) else None)

    def _root(self, access_key_id: str | None) -> Principal:
        known = self._roots.get(access_key_id)
        if known is None:
            named = access_key_id is not None and len(access_key_id) == 12 and access_key_id.isdecimal()
            known = root_principal(access_key_id if named and access_key_id else self._options.account, access_key_id)
            could_be_made_yet = access_key_id is not None and access_key_id.startswith(LONG_TERM_PREFIX)
            if len(self._roots) < _ROOTS_REMEMBERED and not could_be_made_yet:
                self._roots[access_key_id] = known
        return known
