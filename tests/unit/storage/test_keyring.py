"""Sealing secrets before they are stored."""

import os

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.keyring import UnknownKey
from ramuda.storage.keyring import AesGcmKeyring

OWN, OTHER = os.urandom(32), os.urandom(32)


def test_what_was_sealed_is_read_with_the_same_key_and_context() -> None:
    sealed = AesGcmKeyring(OWN).seal(b"secret", context="function f")
    assert AesGcmKeyring(OWN).unseal(sealed, context="function f") == b"secret"


def test_the_same_secret_never_looks_the_same() -> None:
    keyring = AesGcmKeyring(OWN)
    first, second = keyring.seal(b"secret", context="f"), keyring.seal(b"secret", context="f")
    assert first != second
    assert "secret" not in first


def test_another_server_cannot_read_it() -> None:
    sealed = AesGcmKeyring(OWN).seal(b"secret", context="f")
    with pytest.raises(PortError, match="sealed with another key, or was changed"):
        AesGcmKeyring(OTHER).unseal(sealed, context="f")


def test_what_belongs_to_one_function_cannot_be_given_to_another() -> None:
    keyring = AesGcmKeyring(OWN)
    with pytest.raises(PortError, match="sealed with another key, or was changed"):
        keyring.unseal(keyring.seal(b"secret", context="f"), context="g")


def test_a_named_key_must_be_at_hand() -> None:
    keyring = AesGcmKeyring(OWN)
    keyring.add("kms", OTHER)
    sealed = keyring.seal(b"secret", context="f", key="kms")
    assert keyring.has("kms")
    assert keyring.unseal(sealed, context="f") == b"secret"
    later = AesGcmKeyring(OWN)
    assert not later.has("kms")
    with pytest.raises(UnknownKey) as raised:
        later.unseal(sealed, context="f")
    assert raised.value.key == "kms"


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(PortError, match="a form that this version does not know: 'v9'"):
        AesGcmKeyring(OWN).unseal("v9.a.b", context="f")
