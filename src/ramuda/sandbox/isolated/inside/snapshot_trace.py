"""Holding a process of hostile code still while its copy is made: ptrace, as little of it as that takes.

A process that is traced and stopped executes nothing of its own. The tracer has it make system calls one by one, by way
of the `syscall` instruction at which it was stopped, and puts its registers back afterwards. x86_64 alone: registers
differ by architecture, and this is the one it was tried on.

Other processes of the function may run meanwhile, signal both, and share memory with the one that is held. So it ends,
with all that it has begotten, when the tracer ends without having let it go; and what its memory did is not believed:
the clone is the one that was asked for, and who lets a copy go looks at what the kernel says of it.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
import time

IS_POSSIBLE = platform.machine() == "x86_64"

_GETREGSET, _SETREGSET, _SEIZE, _INTERRUPT, _GETEVENTMSG = 0x4204, 0x4205, 0x4206, 0x4207, 0x4201
_CONT, _SINGLESTEP, _DETACH, _POKEDATA = 7, 9, 17, 5
_TRACECLONE, _TRACESECCOMP, _EXITKILL = 0x8, 0x80, 0x100000
_TRACEFORK, _TRACEVFORK = 0x2, 0x4
_EVENT_FORK, _EVENT_CLONE, _EVENT_SECCOMP, _EVENT_STOP = 1, 3, 7, 128
_OPTIONS = _TRACECLONE | _TRACEFORK | _TRACEVFORK | _TRACESECCOMP | _EXITKILL
_NT_PRSTATUS = 1
_WALL = 0x40000000

# struct user_regs_struct of x86_64, as indexes of 64-bit words
_RAX, _RDX, _RSI, _RDI, _ORIG_RAX, _RIP, _RSP, _R10, _R8, _R9 = 10, 12, 13, 14, 15, 16, 19, 7, 9, 8
_WORDS = struct.Struct("27Q")
_NO_CALL = 0xFFFF_FFFF_FFFF_FFFF
_INSTRUCTION_BYTES = 2  # of `syscall`
_READ, _CLONE = 0, 56
_RED_ZONE_BYTES = 128 + 64
LIMIT_S = 5.0
_STEP_S = 0.0005

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class _Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def _ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> None:
    if _libc.ptrace(request, pid, address, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace {request:#x}: {os.strerror(number)}")


class Held:
    """A process that is traced and stopped. `registers` are those it shall go on with."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.registers = self._read()

    def call(self, number: int, *arguments: int) -> int:
        """Has it make one system call. Raises OSError when that fails."""
        self._set_up(number, arguments)
        _ptrace(_SINGLESTEP, self.pid)
        _, status = os.waitpid(self.pid, _WALL)
        if not os.WIFSTOPPED(status) or os.WSTOPSIG(status) != signal.SIGTRAP:
            raise OSError(f"process {self.pid} did not come to the end of a system call: {status:#x}")
        return self._result(f"system call {number}")

    def copy(self, flags: int) -> Held:
        """Has it clone itself; the copy is held too, before its first instruction. `flags` are such that the seccomp
        filter asks the tracer."""
        self._set_up(_CLONE, (flags, 0, 0, 0, 0))
        _ptrace(_CONT, self.pid)
        self._expect(_EVENT_SECCOMP)
        asked = self._read()
        if (asked[_ORIG_RAX], asked[_RDI], asked[_RSI]) != (_CLONE, flags, 0):
            raise OSError(f"process {self.pid} asks for another clone than it was made to")
        _ptrace(_CONT, self.pid)
        self._expect(_EVENT_CLONE, _EVENT_FORK, 2)
        message = ctypes.c_ulong()
        _ptrace(_GETEVENTMSG, self.pid, 0, ctypes.addressof(message))
        os.waitpid(message.value, _WALL)
        copy = Held(message.value)
        copy.registers = self.registers
        _ptrace(_SINGLESTEP, self.pid)
        os.waitpid(self.pid, _WALL)
        return copy

    def write(self, data: bytes) -> int:
        """Puts `data` below its stack, where nothing of its own lies; the address."""
        padded = data + bytes(-len(data) % 8)
        address = (self.registers[_RSP] - _RED_ZONE_BYTES - len(padded)) & ~0xF
        for at in range(0, len(padded), 8):
            (word,) = struct.unpack_from("Q", padded, at)
            _ptrace(_POKEDATA, self.pid, address + at, word)
        return address

    def release(self, result: int | None = None) -> None:
        """Lets it go on: the system call that it was stopped in returns `result`, or is made again."""
        registers = list(self.registers)
        registers[_ORIG_RAX] = _NO_CALL
        if result is None:
            registers[_RAX] = self.registers[_ORIG_RAX]
            registers[_RIP] -= _INSTRUCTION_BYTES
        else:
            registers[_RAX] = result
        self._put(registers)
        _ptrace(_DETACH, self.pid)

    def _set_up(self, number: int, arguments: tuple[int, ...]) -> None:
        registers = list(self.registers)
        registers[_ORIG_RAX] = _NO_CALL
        registers[_RAX] = number
        registers[_RIP] -= _INSTRUCTION_BYTES
        for register, value in zip((_RDI, _RSI, _RDX, _R10, _R8, _R9), arguments):  # noqa: B905 - Python 3.8
            registers[register] = value & _NO_CALL
        self._put(registers)

    def _result(self, what: str) -> int:
        (result,) = struct.unpack("q", struct.pack("Q", self._read()[_RAX]))
        if -4096 < result < 0:
            raise OSError(-result, f"{what} of process {self.pid}: {os.strerror(-result)}")
        return int(result)

    def _expect(self, *events: int) -> None:
        _, status = os.waitpid(self.pid, _WALL)
        if not os.WIFSTOPPED(status) or status >> 16 not in events:
            raise OSError(f"process {self.pid} stopped otherwise than it should: {status:#x}")

    def _read(self) -> tuple[int, ...]:
        data = ctypes.create_string_buffer(_WORDS.size)
        vector = _Vector(ctypes.addressof(data), _WORDS.size)
        _ptrace(_GETREGSET, self.pid, _NT_PRSTATUS, ctypes.addressof(vector))
        return _WORDS.unpack(data.raw)

    def _put(self, registers: list[int]) -> None:
        data = ctypes.create_string_buffer(_WORDS.pack(*registers), _WORDS.size)
        vector = _Vector(ctypes.addressof(data), _WORDS.size)
        _ptrace(_SETREGSET, self.pid, _NT_PRSTATUS, ctypes.addressof(vector))


def hold(pid: int) -> Held:
    """Stops a process of one thread that waits in read(2). Raises OSError when it does not come to do so."""
    _ptrace(_SEIZE, pid, 0, _OPTIONS)
    deadline = time.monotonic() + LIMIT_S
    while True:
        _ptrace(_INTERRUPT, pid)
        _, status = os.waitpid(pid, _WALL)
        if not os.WIFSTOPPED(status):
            raise OSError(f"process {pid} ended: {status:#x}")
        if status >> 16 not in (0, _EVENT_STOP):
            raise OSError(f"process {pid} makes processes: {status:#x}")
        held = Held(pid)
        if status >> 16 == _EVENT_STOP and held.registers[_ORIG_RAX] == _READ:
            return held
        if time.monotonic() > deadline:
            raise OSError(f"process {pid} does not wait for its copies to be made")
        number = 0 if status >> 16 else os.WSTOPSIG(status)
        _ptrace(_CONT, pid, 0, number)
        time.sleep(_STEP_S)
