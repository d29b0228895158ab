"""The network inside a sandbox: a loopback where every address of the world lives, and three rules that redirect.

The namespace has no interface but `lo`, so nothing can leave it or enter it. A route makes all IPv4 addresses
local, so that a connection to any of them is made at all; nftables then redirects TCP (except to 127.0.0.0/8) to
one listening port and DNS datagrams to another, both sockets of the host. Other UDP is answered "port unreachable",
IPv6 "network unreachable", at once. Loopback to loopback is not tracked: it is the way to the Runtime API, and
tracking would cost time on every packet.

Netlink by hand, because the `nft` and `ip` programs may be missing and would take 10 ms; this takes 0.4.
Sources: linux/rtnetlink.h, linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct

OWN_ADDRESS = "169.254.100.6"
"""Source of all connections that leave. Not 127.x, so that the untracked loopback and the redirected rest differ."""
OUTBOUND_PORT, DNS_PORT = 9002, 53

_NETLINK_ROUTE, _NETLINK_NETFILTER = 0, 12
_REQUEST, _ACKNOWLEDGE, _CREATE, _EXCLUSIVE, _APPEND = 0x1, 0x4, 0x400, 0x200, 0x800
_NEW_ADDRESS, _NEW_ROUTE, _ERROR = 20, 24, 2
_NFTABLES, _BATCH_BEGIN, _BATCH_END = 10 << 8, 16, 17
_NEW_TABLE, _NEW_CHAIN, _NEW_RULE = 0, 3, 6
_LOOPBACK_INDEX = 1
_OUTPUT_HOOK, _RAW_PRIORITY, _NAT_PRIORITY = 3, -300, -100
_NETWORK_HEADER, _TRANSPORT_HEADER, _SOURCE_AT, _DESTINATION_AT, _DESTINATION_PORT_AT = 1, 2, 12, 16, 2
_EQUAL, _NOT_EQUAL = 0, 1
_NESTED = 0x8000


def loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1 | 64))  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING


def listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(128)
    return listening


def listen_dns() -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", DNS_PORT))
    return listening


def open_way_out() -> bool:
    """Whether there is a way out: not on a kernel without nftables."""
    try:
        redirect_everything()
    except OSError:
        return False
    return True


def redirect_everything() -> None:
    """Makes every address local and redirects TCP and DNS. Raises OSError where the kernel has no nftables."""
    _exchange(_NETLINK_NETFILTER, _RULES, _RULES_ANSWERS)
    _exchange(_NETLINK_ROUTE, _ADDRESS, 1)
    _exchange(_NETLINK_ROUTE, _ROUTE, 1)


def _exchange(protocol: int, request: bytes, answers: int) -> None:
    """Sends messages and waits for as many acknowledgements."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as netlink:
        netlink.bind((0, 0))
        netlink.send(request)
        while answers > 0:
            data, at = netlink.recv(65536), 0
            while at < len(data):
                length, kind = struct.unpack_from("IH", data, at)
                if kind == _ERROR:
                    (number,) = struct.unpack_from("i", data, at + 16)
                    if number:
                        raise OSError(-number, f"netlink: {os.strerror(-number)}")
                    answers -= 1
                at += (length + 3) & ~3


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("IHHII", 16 + len(body), kind, flags, 1, 0) + body


def _attribute(kind: int, data: bytes) -> bytes:
    length = 4 + len(data)
    return struct.pack("HH", length, kind) + data + bytes(-length % 4)


def _address_message() -> bytes:
    address = socket.inet_aton(OWN_ADDRESS)
    body = struct.pack("BBBBI", socket.AF_INET, 32, 0, 0, _LOOPBACK_INDEX)
    body += _attribute(2, address) + _attribute(1, address)  # IFA_LOCAL, IFA_ADDRESS
    return _message(_NEW_ADDRESS, _REQUEST | _ACKNOWLEDGE | _CREATE | _EXCLUSIVE, body)


def _route_message() -> bytes:
    """`ip route add local 0.0.0.0/0 dev lo src OWN_ADDRESS` in the main table."""
    main_table, by_boot, scope_host, type_local = 254, 3, 254, 2
    body = struct.pack("8BI", socket.AF_INET, 0, 0, 0, main_table, by_boot, scope_host, type_local, 0)
    body += _attribute(4, struct.pack("I", _LOOPBACK_INDEX)) + _attribute(7, socket.inet_aton(OWN_ADDRESS))
    return _message(_NEW_ROUTE, _REQUEST | _ACKNOWLEDGE | _CREATE | _EXCLUSIVE, body)


# nftables: a batch is framed by its own messages; numbers in attributes are big-endian


def _rules() -> bytes:
    """
    chain raw output priority -300:  ip saddr 127/8 ip daddr 127/8 notrack
    chain nat output priority -100:  ip daddr != 127/8 tcp redirect to :9002
                                     ip daddr != 127/8 udp dport 53 redirect to :53
    """
    not_to_loopback = _network(_DESTINATION_AT, _NOT_EQUAL)
    untracked = _network(_SOURCE_AT, _EQUAL) + _network(_DESTINATION_AT, _EQUAL) + _expression("notrack", b"")
    dns = _payload(_TRANSPORT_HEADER, _DESTINATION_PORT_AT, 2) + _compare(_EQUAL, struct.pack(">H", 53))
    return b"".join(
        (
            _message(_BATCH_BEGIN, _REQUEST, struct.pack(">BBH", 0, 0, 10)),
            _nft(_NEW_TABLE, _attribute(1, _TABLE)),
            _chain("raw", "filter", _RAW_PRIORITY),
            _rule("raw", untracked),
            _chain("way_out", "nat", _NAT_PRIORITY),
            _rule("way_out", not_to_loopback + _protocol(socket.IPPROTO_TCP) + _redirect(OUTBOUND_PORT)),
            _rule("way_out", not_to_loopback + _protocol(socket.IPPROTO_UDP) + dns + _redirect(DNS_PORT)),
            _message(_BATCH_END, _REQUEST, struct.pack(">BBH", 0, 0, 10)),
        )
    )


_TABLE = b"ramuda\0"


def _nft(operation: int, body: bytes, flags: int = 0) -> bytes:
    header = struct.pack(">BBH", socket.AF_INET, 0, 0)
    return _message(_NFTABLES | operation, _REQUEST | _ACKNOWLEDGE | _CREATE | flags, header + body)


def _chain(name: str, kind: str, priority: int) -> bytes:
    hook = _number(1, _OUTPUT_HOOK) + _attribute(2, struct.pack(">i", priority))
    body = _attribute(1, _TABLE) + _attribute(3, _text(name)) + _nest(4, hook) + _attribute(7, _text(kind))
    return _nft(_NEW_CHAIN, body)


def _rule(chain: str, expressions: bytes) -> bytes:
    body = _attribute(1, _TABLE) + _attribute(2, _text(chain)) + _nest(4, expressions)
    return _nft(_NEW_RULE, body, _APPEND)


def _expression(name: str, data: bytes) -> bytes:
    return _nest(1, _attribute(1, _text(name)) + _nest(2, data))


def _payload(header: int, at: int, length: int) -> bytes:
    """Loads bytes of the packet into register 1."""
    return _expression("payload", _number(1, 1) + _number(2, header) + _number(3, at) + _number(4, length))


def _compare(how: int, data: bytes) -> bytes:
    return _expression("cmp", _number(1, 1) + _number(2, how) + _nest(3, _attribute(1, data)))


def _network(at: int, how: int) -> bytes:
    """Compares an address with 127.0.0.0/8."""
    return _payload(_NETWORK_HEADER, at, 1) + _compare(how, b"\x7f")


def _protocol(number: int) -> bytes:
    return _expression("meta", _number(1, 1) + _number(2, 16)) + _compare(_EQUAL, bytes([number]))  # NFT_META_L4PROTO


def _redirect(port: int) -> bytes:
    value = _attribute(1, struct.pack(">Hxx", port))
    load = _expression("immediate", _number(1, 1) + _nest(2, value))
    return load + _expression("redir", _number(1, 1) + _number(2, 1) + _number(3, 2))


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack(">I", value))


def _text(value: str) -> bytes:
    return value.encode() + b"\0"


def _nest(kind: int, data: bytes) -> bytes:
    return _attribute(kind | _NESTED, data)


_ADDRESS, _ROUTE, _RULES = _address_message(), _route_message(), _rules()
_RULES_ANSWERS = 6
