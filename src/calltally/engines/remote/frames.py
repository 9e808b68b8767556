"""Frames, which travel between processes: a JSON object, and bytes that may come with it."""

import select
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

__all__ = ["Connection", "Frame", "Lost"]

LENGTHS = struct.Struct(">II")  # of the object and of the bytes; like `calltally` in a greeting, the same for ever
MOST_HEAD = 4_000_000
MOST_BODY = 64_000_000


class Lost(Exception):
    """The other side ended, or sent what is no frame. Never leaves this package."""


@dataclass(frozen=True)
class Frame:
    """What was received."""

    head: dict[str, Any]
    body: bytearray


class Connection:
    """A socket that carries frames; one thread uses it, others may end it."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._given_up = False

    def send(self, head: Mapping[str, Any], body: Any = b"") -> None:
        """Send a frame; `body` is anything with bytes in it.

        Raises:
            Lost: the other side takes no more.
        """
        text, content = orjson.dumps(head), memoryview(body)
        try:
            self._socket.sendall(LENGTHS.pack(len(text), content.nbytes) + text)
            if content.nbytes:  # to send nothing to a side that has answered and gone would be an error
                self._socket.sendall(content)
        except OSError as error:
            raise Lost(str(error)) from error

    def receive(self, seconds: float | None = None) -> Frame:
        """The next frame, waited for as long as it takes unless told.

        Raises:
            Lost: there is none.
        """
        self._socket.settimeout(seconds)
        try:
            of_head, of_body = LENGTHS.unpack(self._exactly(LENGTHS.size))
            if of_head > MOST_HEAD or of_body > MOST_BODY:
                raise Lost("a frame is too long")
            head = orjson.loads(self._exactly(of_head))
            body = self._exactly(of_body)
        except (OSError, orjson.JSONDecodeError) as error:
            raise Lost(str(error)) from error
        finally:
            self._socket.settimeout(None)
        if not isinstance(head, dict):
            raise Lost("a frame holds no object")
        return Frame(head, body)

    def wanted(self) -> bool:
        """Whether somebody still waits at the other end, and nobody has given up here."""
        hung_up = select.poll()
        hung_up.register(self._socket, 0)  # for no event but that the other side is gone
        return not self._given_up and not hung_up.poll(0)

    def give_up(self) -> None:
        """Let `wanted` say no."""
        self._given_up = True

    def read_no_more(self) -> None:
        """Let `receive`, in whichever thread, find the end; what is sent still arrives."""
        self._shut(socket.SHUT_RD)

    def break_off(self) -> None:
        """Let `send` and `receive`, in whichever thread, fail."""
        self._shut(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()

    def _shut(self, how: int) -> None:
        with suppress(OSError):  # the other side was first
            self._socket.shutdown(how)

    def _exactly(self, count: int) -> bytearray:
        content = bytearray(count)
        rest = memoryview(content)
        while rest:
            received = self._socket.recv_into(rest)
            if not received:
                raise Lost("the other side ended")
            rest = rest[received:]
        return content
