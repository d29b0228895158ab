"""Access keys: who owns one, what its secret is, and making new ones.

Two kinds, as on AWS. Long-term keys (`AKIA...`) are rows of the table `access_keys`, all of them in memory as well, so
that a request finds its key without waiting; `refresh` follows what another process (`ramuda keys`) writes. Temporary
keys (`ASIA...`) are stored nowhere: the secret is derived from the id with the server's own secret, and the session
token carries account, principal and expiry under a MAC. They outlive a restart of the server as long as its secret
does.

Secrets of long-term keys lie in the database as they are: a signature can only be checked with the secret itself. The
database file is readable by its owner alone (mode 0600, see `storage.sqlite`).

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html (prefixes, ARNs),
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html (what a user id looks like).
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from ramuda.authz import session_token
from ramuda.kernel.arn import Arn
from ramuda.kernel.call import Principal
from ramuda.kernel.clock import Clock
from ramuda.kernel.ports.credentials import Credentials
from ramuda.kernel.ports.database import Database, Row, Transaction

LONG_TERM_PREFIX = "AKIA"
SESSIONS_REMEMBERED = 4096
"""Session tokens whose check is remembered; beyond that the oldest is checked anew when it is seen again."""

_EVERY_KEY = "SELECT * FROM access_keys ORDER BY created_at, access_key_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """An access key that this server knows. `expires_at_s` (epoch) is None for a long-term key; the reader compares
    it."""

    access_key_id: str
    secret: str
    principal: Principal
    expires_at_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKey:
    """A long-term key as it may be shown: without its secret."""

    access_key_id: str
    account: str
    principal_arn: str
    created_at_s: float


class CredentialStore:
    """Finds, makes and forgets access keys. Implements `ports.credentials.CredentialIssuer`.

    `secret` is the server's own, at least 32 random bytes that stay the same over restarts. `find` knows the long-term
    keys as of the last `refresh`.
    """

    def __init__(self, database: Database, secret: bytes, clock: Clock) -> None:
        if len(secret) < 32:
            raise ValueError("the server's secret must have at least 32 bytes")
        self._database = database
        self._secret = secret
        self._clock = clock
        self._long_term: dict[str, KnownKey] = {}  # oldest first
        self._read_at_version: int | None = None
        self._sessions: dict[tuple[str, str], KnownKey] = {}

    async def refresh(self) -> None:
        """Brings the keys in memory up to all that any process has committed. Costs microseconds when nothing was."""
        version = self._database.version()
        if version == self._read_at_version:
            return
        rows = await self._database.read(lambda tx: tx.fetch_all(_EVERY_KEY))
        self._long_term = {key.access_key_id: key for key in map(_key_of_row, rows)}
        self._read_at_version = version  # asked for before the rows: a commit in between is seen by the next refresh

    # -- finding -----------------------------------------------------------------------------------------------------

    def find(self, access_key_id: str, token: str | None) -> KnownKey | None:
        """The key with this id, or None when it was not made here or its session token is not the one it was made
        with."""
        if token is None:
            return self._long_term.get(access_key_id)
        return self._sessions.get((access_key_id, token)) or self._open_session(access_key_id, token)

    def _open_session(self, access_key_id: str, token: str) -> KnownKey | None:
        session = session_token.open_token(self._secret, access_key_id, token)
        if session is None:
            return None
        principal = Principal(
            account=session.account,
            arn=session.principal_arn,
            user_id=session.user_id,
            access_key_id=access_key_id,
            session_token=token,
        )
        key = KnownKey(
            access_key_id=access_key_id,
            secret=session_token.derive_secret(self._secret, access_key_id),
            principal=principal,
            expires_at_s=session.expires_at_s,
        )
        while len(self._sessions) >= SESSIONS_REMEMBERED:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[access_key_id, token] = key
        return key

    # -- temporary keys ----------------------------------------------------------------------------------------------

    def issue_role_session(self, role_arn: str, session_name: str, duration_s: int) -> Credentials:
        role = Arn.parse(role_arn)
        role_name = role.resource.rsplit("/", 1)[-1]
        return self._issue(
            account=role.account,
            principal_arn=f"arn:aws:sts::{role.account}:assumed-role/{role_name}/{session_name}",
            user_id=f"{unique_id('AROA', role_arn)}:{session_name}",
            duration_s=duration_s,
        )

    def issue_session(self, principal: Principal, duration_s: int) -> Credentials:
        return self._issue(
            account=principal.account, principal_arn=principal.arn, user_id=principal.user_id, duration_s=duration_s
        )

    def _issue(self, *, account: str, principal_arn: str, user_id: str, duration_s: int) -> Credentials:
        access_key_id = session_token.new_key_id("ASIA")
        session = session_token.Session(
            account=account,
            principal_arn=principal_arn,
            user_id=user_id,
            expires_at_s=float(int(self._clock.time()) + duration_s),
        )
        return Credentials(
            access_key_id=access_key_id,
            secret_access_key=session_token.derive_secret(self._secret, access_key_id),
            session_token=session_token.seal(self._secret, access_key_id, session),
            expires_at_s=session.expires_at_s,
            principal_arn=principal_arn,
            user_id=user_id,
        )

    # -- long-term keys ----------------------------------------------------------------------------------------------

    async def create_key(self, account: str, user_name: str | None = None) -> KnownKey:
        """A new long-term key of an IAM user, or of the account's root when there is no name. Committed when it
        returns."""
        arn = f"arn:aws:iam::{account}:user/{user_name}" if user_name else root_arn(account)
        return await self.register_key(
            session_token.new_key_id(LONG_TERM_PREFIX), session_token.new_secret(), account, arn
        )

    async def register_key(self, access_key_id: str, secret: str, account: str, principal_arn: str) -> KnownKey:
        """Makes a key known that was made elsewhere (by a delegated IAM). The same id again replaces the former one."""
        row: dict[str, Any] = {
            "access_key_id": access_key_id,
            "account": account,
            "secret": secret,
            "principal_arn": principal_arn,
            "created_at": self._clock.time(),
        }

        def store(tx: Transaction) -> None:
            tx.execute("DELETE FROM access_keys WHERE access_key_id = :access_key_id", {"access_key_id": access_key_id})
            tx.execute(
                "INSERT INTO access_keys (access_key_id, account, secret, principal_arn, created_at)"
                " VALUES (:access_key_id, :account, :secret, :principal_arn, :created_at)",
                row,
            )

        await self._database.write(store)
        key = _key_of_row(row)
        self._long_term.pop(access_key_id, None)  # the newest is the last
        self._long_term[access_key_id] = key
        return key

    async def list_keys(self) -> list[ListedKey]:
        """Every long-term key, oldest first."""
        rows = await self._database.read(lambda tx: tx.fetch_all(_EVERY_KEY))
        return [
            ListedKey(
                access_key_id=row["access_key_id"],
                account=row["account"],
                principal_arn=row["principal_arn"],
                created_at_s=row["created_at"],
            )
            for row in rows
        ]

    async def delete_key(self, access_key_id: str) -> bool:
        """Forgets a long-term key; whether there was one."""
        deleted = await self._database.write(
            lambda tx: tx.execute("DELETE FROM access_keys WHERE access_key_id = :id", {"id": access_key_id})
        )
        self._long_term.pop(access_key_id, None)
        return deleted > 0

    async def ensure_root_key(self, account: str) -> KnownKey:
        """The account root's oldest key, made if there is none: the first key of a server that checks signatures."""
        await self.refresh()
        for key in self._long_term.values():
            if key.principal.arn == root_arn(account):
                return key
        return await self.create_key(account)


def root_arn(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def root_principal(account: str, access_key_id: str | None = None) -> Principal:
    """The account's root, as GetCallerIdentity shows it: its user id is the account number."""
    return Principal(account=account, arn=root_arn(account), user_id=account, access_key_id=access_key_id)


def unique_id(prefix: str, arn: str) -> str:
    """A 21-character id (`AROA...`, `AIDA...`) that is the same whenever the same ARN is asked about."""
    return prefix + base64.b32encode(hashlib.sha256(arn.encode()).digest())[:17].decode()


def _key_of_row(row: Row) -> KnownKey:
    account, arn, key_id = row["account"], row["principal_arn"], row["access_key_id"]
    if arn == root_arn(account):
        principal = root_principal(account, key_id)
    else:
        principal = Principal(account=account, arn=arn, user_id=unique_id("AIDA", arn), access_key_id=key_id)
    return KnownKey(access_key_id=key_id, secret=row["secret"], principal=principal)
