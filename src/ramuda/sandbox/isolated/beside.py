"""The server's side of what runs beside the runtime in an isolated sandbox: see `inside.beside`."""

import asyncio
import itertools
import socket
from collections.abc import Awaitable, Callable, Sequence

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Exit, NotLaunched, Program
from ramuda.sandbox.isolated.channel import Message, close_all

TOLD = ("start_beside", "exit_beside", "socket")


class Beside:
    """One request of a kind at a time. `ask` sends one to init and waits for init's answer, which `told` hears of
    first."""

    def __init__(self, ask: Callable[[Message, Sequence[int]], Awaitable[None]]) -> None:
        self._ask = ask
        self._numbers = itertools.count(1)
        self._exits: dict[int, asyncio.Future[Exit]] = {}
        self._failure = ""
        self._socket: socket.socket | None = None
        self._starting = asyncio.Lock()
        self._connecting = asyncio.Lock()

    async def start(self, program: Program) -> Awaitable[Exit]:
        async with self._starting:
            number = next(self._numbers)
            ended = self._exits[number] = asyncio.get_running_loop().create_future()
            message: Message = {"do": "start_beside", "number": number, "argv": program.argv, "env": dict(program.env)}
            await self._ask(message, [program.output])
            if self._failure:
                del self._exits[number]
                raise NotLaunched(self._failure)
            return asyncio.shield(ended)

    async def socket(self) -> socket.socket:
        async with self._connecting:
            await self._ask({"do": "socket"}, ())
            made, self._socket = self._socket, None
            if made is None:
                raise PortError("no socket")
            return made

    def told(self, message: Message, fds: list[int]) -> None:
        match message["did"]:
            case "start_beside":
                self._failure = message["failure"]
            case "exit_beside":
                ended = self._exits.pop(message["number"], None)
                if ended is not None and not ended.done():
                    ended.set_result(Exit(code=message.get("code"), signal=message.get("signal")))
            case "socket":
                self._drop_socket()
                self._socket = socket.socket(fileno=fds[0])
                self._socket.setblocking(False)
                fds = fds[1:]
        close_all(fds)

    def over(self, how: Exit) -> None:
        """The sandbox is gone."""
        for ended in self._exits.values():
            if not ended.done():
                ended.set_result(how)
        self._exits.clear()
        self._drop_socket()

    def _drop_socket(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
