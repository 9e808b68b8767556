"""Which servers do not answer, and which parts of the calls are missing for that."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from calltally.engines.clickhouse.servers import Server
from calltally.engines.clickhouse.sessions import Host
from calltally.errors import Unavailable

__all__ = ["Silence"]

AVOIDED_SECONDS = 30.0  # a server that did not answer is not asked first


class Silence:
    """What is known of servers that do not answer; `answers` says of one whether it does. Safe for threads."""

    def __init__(self, answers: Callable[[Server], bool]) -> None:
        self._answers = answers
        self._silent: dict[Host, float] = {}  # when a host did not answer
        self._absent: tuple[int, ...] = ()  # shards of which no server answered when that was last looked at
        self._shards = 0
        self._probed_at = 0.0
        self._probing = threading.Lock()

    def note(self, host: Host) -> None:
        """Take note that a host did not answer."""
        self._silent[host] = time.monotonic()

    @property
    def is_recent(self) -> bool:
        """Whether some server did not answer a while ago, which others may still be waiting for."""
        since = time.monotonic() - AVOIDED_SECONDS
        return any(at > since for at in list(self._silent.values()))

    @property
    def is_partial(self) -> bool:
        """Whether parts of the calls were missing when that was last looked at."""
        return bool(self._absent)

    def last(self, hosts: Sequence[Host]) -> list[Host]:
        """The hosts in their order, but last those that were silent."""
        since = time.monotonic() - AVOIDED_SECONDS
        return sorted(hosts, key=lambda host: self._silent.get(host, since) > since)

    def require_whole(self, servers: Sequence[Server]) -> None:
        """Raise Unavailable if parts of the calls are still missing: sooner than a server would notice that."""
        asked_at = time.monotonic()
        with self._probing:
            if self._probed_at < asked_at:
                self.probe(servers)
        if self._absent:
            raise self.told()

    def probe(self, servers: Sequence[Server]) -> None:
        """Find out of which shards no server answers."""
        if not servers:
            return
        with ThreadPoolExecutor(len(servers), "probe") as threads:
            answers = dict(zip(servers, threads.map(self._answers, servers), strict=True))
        there = {server.shard for server, answer in answers.items() if answer}
        self._silent |= {(each.host, each.port): time.monotonic() for each, answer in answers.items() if not answer}
        self._shards = len({server.shard for server in servers})
        self._absent = tuple(sorted({server.shard for server in servers} - there))
        self._probed_at = time.monotonic()

    def told(self) -> Unavailable:
        """Which parts are missing, or that nothing answers."""
        shards, total = " and ".join(map(str, self._absent)), self._shards
        match len(self._absent):
            case 0:
                message = "The database does not answer"
            case 1:
                message = f"Shard {shards} of {total} of the database does not answer"
            case _:
                message = f"Shards {shards} of {total} of the database do not answer"
        return Unavailable(message, 5)
