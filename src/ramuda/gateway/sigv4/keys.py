"""The keys that sign, derived from a secret for one day, region and service."""

import hmac
from hashlib import sha256

_REMEMBERED = 1024


class SigningKeys:
    """Derives signing keys and remembers them: four HMACs a key, once a day."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str], bytes] = {}

    def get(self, secret: str, scope: str) -> bytes:
        """The key for a `DATE/REGION/SERVICE/aws4_request` scope."""
        key = self._keys.get((secret, scope))
        if key is None:
            while len(self._keys) >= _REMEMBERED:
                del self._keys[next(iter(self._keys))]
            key = self._keys[secret, scope] = _derive(secret, scope)
        return key


def _derive(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode("latin-1"), sha256)
    return key
