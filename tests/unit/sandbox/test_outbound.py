"""The policy of the way out."""

import socket
from pathlib import Path

import pytest

from ramuda.sandbox import outbound
from ramuda.sandbox.options import Options


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("198.51.100.7", 443, True),
        ("93.184.215.14", 443, True),
        ("93.184.215.14", 25, False),
        ("10.1.2.3", 5432, True),
        ("127.0.0.1", 5432, False),
        ("127.8.9.10", 80, False),
        ("169.254.169.254", 80, False),
        ("0.0.0.0", 80, False),
        ("168.63.129.16", 80, False),
        ("100.100.100.200", 80, False),
        ("192.0.0.192", 80, False),
        ("224.0.0.251", 5353, False),
        ("255.255.255.255", 80, False),
    ],
)
def test_what_may_be_connected_to(host: str, port: int, expected: bool) -> None:
    assert outbound.Policy(Options()).allows(host, port) is expected


def test_without_a_network_nothing_may() -> None:
    policy = outbound.Policy(Options(network="none", network_allow=("10.0.0.0/8",)))
    assert [policy.allows(host, 443) for host in ("93.184.215.14", "10.1.2.3")] == [False, False]


def test_exceptions_open_what_is_refused_but_never_mail() -> None:
    policy = outbound.Policy(Options(network_allow=("127.0.0.0/8", "169.254.170.2/32")))
    asked = [("127.0.0.1", 5432), ("169.254.170.2", 80), ("169.254.169.254", 80), ("127.0.0.1", 25)]
    assert [policy.allows(*each) for each in asked] == [True, True, False, False]


def test_own_addresses_are_known() -> None:
    assert outbound.is_own_address("127.0.0.1")
    assert outbound.is_own_address("127.1.2.3")
    assert not outbound.is_own_address("93.184.215.14")


def test_resolvers_are_the_hosts(tmp_path: Path) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text("# servers\nsearch example.com\nnameserver 10.0.0.2\nnameserver fe80::1%eth0\noptions ndots:1\n")
    assert outbound.host_resolvers(conf) == ["10.0.0.2", "fe80::1"]
    assert outbound.host_resolvers(tmp_path / "absent") == ["127.0.0.1"]


def test_a_connection_that_was_not_redirected_has_no_destination() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()):
        connection, _ = listening.accept()
        with connection:
            assert outbound.original_destination(connection) in (None, listening.getsockname())
