"""AES-256-GCM under named keys. https://cryptography.io/en/latest/hazmat/primitives/aead/

A sealed text is `v1.<name of the key>.<nonce and ciphertext>`, both parts in base64. The nonce is random: 96 bits allow
four thousand million seals a key before a repetition is likely (NIST SP 800-38D, 8.3)."""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.keyring import UnknownKey

FORM = "v1"
NONCE_BYTES = 12


class AesGcmKeyring:
    """Implements `ports.keyring.Keyring`. `own_key`: 32 bytes, the server's."""

    def __init__(self, own_key: bytes) -> None:
        self._ciphers = {"": AESGCM(own_key)}

    def seal(self, data: bytes, *, context: str, key: str = "") -> str:
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._cipher(key).encrypt(nonce, data, context.encode())
        return ".".join((FORM, _text(key.encode()), _text(sealed)))

    def unseal(self, sealed: str, *, context: str) -> bytes:
        form, _, rest = sealed.partition(".")
        name, _, body = rest.partition(".")
        if form != FORM:
            raise PortError(f"sealed in a form that this version does not know: {form!r}")
        blob = base64.urlsafe_b64decode(body)
        cipher = self._cipher(base64.urlsafe_b64decode(name).decode())
        try:
            return cipher.decrypt(blob[:NONCE_BYTES], blob[NONCE_BYTES:], context.encode())
        except InvalidTag as e:
            raise PortError(f"what is stored for {context} was sealed with another key, or was changed") from e

    def add(self, key: str, secret: bytes) -> None:
        self._ciphers[key] = AESGCM(secret)

    def has(self, key: str) -> bool:
        return key in self._ciphers

    def _cipher(self, key: str) -> AESGCM:
        cipher = self._ciphers.get(key)
        if cipher is None:
            raise UnknownKey(key)
        return cipher


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()
