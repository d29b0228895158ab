"""Access keys: found, made, kept and forgotten."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.authz import session_token
from ramuda.authz.credentials import CredentialStore, ListedKey, root_principal
from ramuda.kernel.call import Principal
from ramuda.testing import ManualClock
from tests.unit.gateway_edge.gateways import SECRET, credential_store

ROLE = "arn:aws:iam::123456789012:role/service/worker"


async def test_a_role_session_is_known_by_its_token_and_survives_a_restart(tmp_path: Path) -> None:
    clock = ManualClock(1_000_000.0)
    async with credential_store(tmp_path, clock) as store:
        issued = store.issue_role_session(ROLE, "the-session", 3600)
    assert re.fullmatch(r"ASIA[A-Z2-7]{16}", issued.access_key_id)
    assert len(issued.secret_access_key) == 40
    assert issued.expires_at_s == 1_003_600.0
    async with credential_store(tmp_path, clock) as store:
        known = store.find(issued.access_key_id, issued.session_token)
        assert known is not None
        assert store.find(issued.access_key_id, issued.session_token) is known
    assert (known.secret, known.expires_at_s) == (issued.secret_access_key, 1_003_600.0)
    assert known.principal == Principal(
        account="123456789012",
        arn="arn:aws:sts::123456789012:assumed-role/worker/the-session",
        user_id=issued.user_id,
        access_key_id=issued.access_key_id,
        session_token=issued.session_token,
    )
    assert re.fullmatch(r"AROA[A-Z2-7]{17}:the-session", issued.user_id)
    assert issued.principal_arn == known.principal.arn


async def test_a_session_is_not_known_without_its_own_token_and_secret(tmp_path: Path) -> None:
    async with credential_store(tmp_path, ManualClock()) as store:
        one = store.issue_role_session(ROLE, "a", 3600)
        other = store.issue_role_session(ROLE, "a", 3600)
        assert store.find(one.access_key_id, None) is None
        assert store.find(one.access_key_id, other.session_token) is None
        assert store.find(one.access_key_id, one.session_token[:-8] + "AAAAAAA=") is None
    stranger = session_token.Session("123456789012", "arn", "id", 9e9)
    forged = session_token.seal(bytes(32), one.access_key_id, stranger)
    assert session_token.open_token(SECRET, one.access_key_id, forged) is None


@given(token=st.one_of(st.text(), st.binary(max_size=80).map(lambda raw: raw.hex())))
def test_no_text_at_all_opens_as_a_session(token: str) -> None:
    assert session_token.open_token(SECRET, "ASIAX", token) is None


async def test_a_session_of_the_caller_is_the_caller(tmp_path: Path) -> None:
    caller = root_principal("123456789012", "AKIAX")
    async with credential_store(tmp_path, ManualClock()) as store:
        issued = store.issue_session(caller, 900)
        known = store.find(issued.access_key_id, issued.session_token)
    assert known is not None
    assert (known.principal.arn, known.principal.user_id) == ("arn:aws:iam::123456789012:root", "123456789012")


async def test_long_term_keys_are_found_at_once_and_after_a_restart_until_deleted(tmp_path: Path) -> None:
    clock = ManualClock(1_000.0)
    async with credential_store(tmp_path, clock) as store:
        made = await store.create_key("123456789012", "ann")
        assert re.fullmatch(r"AKIA[A-Z2-7]{16}", made.access_key_id)
        assert store.find(made.access_key_id, None) == made
    async with credential_store(tmp_path, clock) as store:
        assert store.find(made.access_key_id, None) == made
        assert await store.list_keys() == [
            ListedKey(
                access_key_id=made.access_key_id,
                account="123456789012",
                principal_arn="arn:aws:iam::123456789012:user/ann",
                created_at_s=1_000.0,
            )
        ]
        assert await store.delete_key(made.access_key_id) is True
        assert await store.delete_key(made.access_key_id) is False
        assert store.find(made.access_key_id, None) is None
        assert await store.list_keys() == []


async def test_keys_made_and_deleted_by_another_process_count_from_the_next_refresh(tmp_path: Path) -> None:
    clock = ManualClock()
    async with credential_store(tmp_path, clock) as server, credential_store(tmp_path, clock) as command:
        kept, made = await server.create_key("123456789012"), await command.create_key("123456789012", "ann")
        await server.refresh()
        assert [server.find(key.access_key_id, None) for key in (kept, made)] == [kept, made]
        await command.delete_key(made.access_key_id)
        await server.refresh()
        assert [server.find(key.access_key_id, None) for key in (kept, made)] == [kept, None]


async def test_the_first_root_key_of_an_account_is_made_once(tmp_path: Path) -> None:
    clock = ManualClock()
    async with credential_store(tmp_path, clock) as store:
        await store.create_key("123456789012", "ann")
        first = await store.ensure_root_key("123456789012")
    async with credential_store(tmp_path, clock) as store:
        assert await store.ensure_root_key("123456789012") == first
        assert (await store.ensure_root_key("999999999999")).access_key_id != first.access_key_id
    assert first.principal == root_principal("123456789012", first.access_key_id)


async def test_registering_an_id_again_replaces_its_secret(tmp_path: Path) -> None:
    async with credential_store(tmp_path, ManualClock()) as store:
        for secret in ("one", "two"):
            await store.register_key("AKIAX", secret, "123456789012", "arn:aws:iam::123456789012:user/u")
        known = store.find("AKIAX", None)
        assert known is not None
        assert known.secret == "two"
        assert len(await store.list_keys()) == 1


def test_a_short_secret_of_the_server_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        CredentialStore(None, b"short", ManualClock())  # type: ignore[arg-type]  # never reached
