"""Pieces that are written to a connection, as the other side gets them."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

import uvloop

from calltally.api.joining import JoinedWrites


class Writing(asyncio.Protocol):
    """Writes as it is told once there is a connection."""

    def __init__(self, write: Callable[[JoinedWrites], None]) -> None:
        self._write = write

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write(JoinedWrites(cast("asyncio.Transport", transport)))


def received(write: Callable[[JoinedWrites], None]) -> list[bytes]:
    """What comes in, piece by piece, until the connection is closed or nothing comes for a while."""

    async def exchange() -> list[bytes]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Writing(write), "127.0.0.1", 0)
        async with server:
            with socket.create_connection(server.sockets[0].getsockname()) as client:
                client.settimeout(0.5)
                return await loop.run_in_executor(None, _pieces, client)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(exchange())


def _pieces(client: socket.socket) -> list[bytes]:
    pieces = []
    try:
        while piece := client.recv(1_000_000):
            pieces.append(piece)
    except TimeoutError:
        pieces.append(b"nothing more")
    return pieces


def test_head_and_body_come_as_one() -> None:
    def write(connection: JoinedWrites) -> None:
        connection.write(b"head ")
        connection.write(b"body")

    assert received(write) == [b"head body", b"nothing more"]


def test_a_piece_alone_waits_for_no_other() -> None:
    assert received(lambda connection: connection.write(b"head")) == [b"head", b"nothing more"]


def test_all_is_sent_before_the_end() -> None:
    def write(connection: JoinedWrites) -> None:
        for piece in (b"1", b"", b"2", b"3"):
            connection.write(piece)
        connection.close()

    assert b"".join(received(write)) == b"123"


def test_what_is_held_when_a_connection_breaks_goes_nowhere() -> None:
    def write(connection: JoinedWrites) -> None:
        connection.write(b"head")
        connection.abort()

    assert b"head" not in received(write)


def test_a_long_answer_comes_whole() -> None:
    long = bytes(range(256)) * 20_000

    def write(connection: JoinedWrites) -> None:
        for at in range(0, len(long), 100_000):
            connection.write(long[at : at + 100_000])
        connection.close()

    assert b"".join(received(write)) == long
