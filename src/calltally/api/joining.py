"""What is written to a connection, in as few pieces as will do."""

import asyncio
from typing import Any

__all__ = ["JoinedWrites"]

COPIED = 16 * 1024  # bytes that are put together sooner than named to the system one by one


class JoinedWrites:
    """A connection's transport that sends the first of two pieces together with the second, or at the end of the turn.

    uvicorn writes the head of an answer and then its body. Sent alone, the head takes a call of the system of its own
    and wakes the other side, only for it to wait for the body.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send the piece with the one that is held, or hold it."""
        if self._held:
            held, self._held = self._held, b""
            if len(data) <= COPIED:
                self._transport.write(held + data)
            else:
                self._transport.writelines((held, data))
        elif data:
            self._held = data
            asyncio.get_running_loop().call_soon(self._send_held)

    def close(self) -> None:
        """Close the connection when all is sent."""
        self._send_held()
        self._transport.close()

    def _send_held(self) -> None:
        held, self._held = self._held, b""
        if held and not self._transport.is_closing():
            self._transport.write(held)
