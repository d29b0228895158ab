"""The filter's program, run by an interpreter of the few instructions it uses, for both machines."""

import errno
import struct

import pytest

from ramuda.sandbox.isolated.inside import seccomp

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
COLUMNS = {"x86_64": 0, "aarch64": 1}
ALLOWED = 0x7FFF0000
COMMON = {"read": (0, 63), "write": (1, 64), "execve": (59, 221), "futex": (202, 98), "openat": (257, 56)}
MACHINES = pytest.mark.parametrize("machine", sorted(ARCHITECTURES))


def answer(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """0 for allowed, else the error number."""
    padded = (*arguments, *[0] * 6)[:6]
    data = struct.pack("=IIQ6Q", number, architecture or ARCHITECTURES[machine], 0, *padded)
    program = [*struct.iter_unpack("HBBI", seccomp.program(machine))]
    at = accumulator = 0
    while True:
        operation, yes, no, value = program[at]
        at += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, value)
            case 0x15:
                at += yes if accumulator == value else no
            case 0x35:
                at += yes if accumulator >= value else no
            case 0x45:
                at += yes if accumulator & value else no
            case 0x06:
                return 0 if value == ALLOWED else value & 0xFFFF


@MACHINES
def test_every_listed_call_is_denied_and_common_ones_are_not(machine: str) -> None:
    column = COLUMNS[machine]
    denied = {name: pair[column] for name, pair in seccomp.DENIED.items() if pair[column] >= 0}
    assert {name: answer(machine, number) for name, number in denied.items()} == dict.fromkeys(denied, errno.EPERM)
    assert {name: answer(machine, pair[column]) for name, pair in COMMON.items()} == dict.fromkeys(COMMON, 0)


@MACHINES
def test_a_clone_may_make_threads_and_processes_but_no_namespaces(machine: str) -> None:
    clone = (56, 220)[COLUMNS[machine]]
    thread, process = 0x3D0F00, 17
    assert [answer(machine, clone, flags) for flags in (thread, process)] == [0, 0]
    for flag in (0x80, 0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert answer(machine, clone, flag | process) == errno.EPERM
    assert answer(machine, 435) == errno.ENOSYS


@MACHINES
@pytest.mark.parametrize("call", [(41, 198), (53, 199)], ids=["socket", "socketpair"])
def test_sockets_are_unix_internet_and_route_netlink(machine: str, call: tuple[int, int]) -> None:
    number = call[COLUMNS[machine]]
    assert [answer(machine, number, family, 1, 0) for family in (1, 2, 10, 16)] == [0] * 4
    assert answer(machine, number, 16, 3, 12) == errno.EAFNOSUPPORT
    assert [answer(machine, number, family, 3, 0) for family in (17, 30, 31, 38, 40)] == [errno.EAFNOSUPPORT] * 5


@MACHINES
@pytest.mark.parametrize("family", [2, 10])
def test_the_internets_protocols_are_tcp_udp_and_ping(machine: str, family: int) -> None:
    number = (41, 198)[COLUMNS[machine]]
    assert [answer(machine, number, family, 1, protocol) for protocol in (0, 1, 6, 17, 58)] == [0] * 5
    others = (33, 115, 132, 136, 255, 262)  # DCCP, L2TP, SCTP, UDPLITE, raw, MPTCP
    assert {answer(machine, number, family, 1, protocol) for protocol in others} == {errno.EPROTONOSUPPORT}


@MACHINES
def test_pipes_keep_their_size(machine: str) -> None:
    number = (72, 25)[COLUMNS[machine]]
    assert [answer(machine, number, 1, command) for command in (1, 4, 1031, 1032)] == [0, 0, errno.EPERM, 0]


@MACHINES
def test_calls_of_another_architecture_do_not_exist(machine: str) -> None:
    assert answer(machine, 4, architecture=0x40000003) == errno.ENOSYS  # i386
    assert answer(machine, 0x40000000 | 1) == errno.ENOSYS  # x32


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(KeyError):
        seccomp.program("riscv64")
