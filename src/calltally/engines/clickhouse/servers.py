"""The servers of a database, as those see them who ask something of it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from calltally.engines.clickhouse.sessions import Session

__all__ = ["Server", "Servers"]

Found = TypeVar("Found")


@dataclass(frozen=True)
class Server:
    """A server, and which part of the calls it holds."""

    host: str
    port: int
    shard: int = 1
    replica: int = 1

    @property
    def name(self) -> str:
        """Host and port, as messages of servers name it."""
        return f"{self.host}:{self.port}"


class Servers(Protocol):
    """The servers of a database, any of which can be asked about all of it."""

    def asked(self, work: Callable[[Session], Found]) -> Found:
        """What work that changes nothing finds; if its server is lost on the way, what it finds with another one."""

    def session(self) -> AbstractContextManager[Session]:
        """A session with one of them; errors of the driver leave it as ours."""

    def each(self) -> Sequence[Server]:
        """All of them."""

    def session_with(self, server: Server) -> AbstractContextManager[Session]:
        """A session with a certain one, for what concerns its own tables."""

    def close(self) -> None:
        """Let go of all connections."""
