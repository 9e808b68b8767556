"""How many answers a second many connections get that all ask for one report, while a call is written every second."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.asker import Answered, Asking
from benchmarks.client import REPORTS
from benchmarks.clients import answered, clients
from benchmarks.figures import PeerRate, RateFigure

__all__ = ["Asked", "measure_rates"]

CONNECTIONS = 16


@dataclass(frozen=True)
class Asked:
    """Who is asked, and what writes a call there."""

    name: str
    host: str
    port: int
    key: str
    write: Callable[[], None]


def measure_rates(
    ours: Asked, peers: Sequence[Asked], reports: Sequence[tuple[str, str]], rounds: int, seconds: int
) -> tuple[RateFigure, ...]:
    """Each report, ours and the peers' in turn; the best of the rounds."""
    return tuple(_figure(title, request, ours, peers, rounds, seconds) for title, request in reports)


def _figure(title: str, request: str, ours: Asked, peers: Sequence[Asked], rounds: int, seconds: int) -> RateFigure:
    made: dict[str, list[Answered]] = {asked.name: [] for asked in (ours, *peers)}
    for _ in range(rounds):
        for asked in (ours, *peers):
            made[asked.name].append(_answers(asked, request, seconds))
    best = {name: max(found, key=_rate) for name, found in made.items()}
    rates = tuple(PeerRate(peer.name, _rate(best[peer.name])) for peer in peers)
    rate = _rate(best[ours.name])
    most = max((each.answers_a_second for each in rates), default=None)
    return RateFigure(title, CONNECTIONS, rate, best[ours.name].client_share, rates, rate / most if most else None)


def _answers(asked: Asked, request: str, seconds: int) -> Answered:
    path = f"{REPORTS}?{request}"
    with clients(Asking(asked.host, asked.port, asked.key, path, CONNECTIONS)) as process:
        for _ in range(seconds):
            time.sleep(1)
            asked.write()
        return answered(process)


def _rate(found: Answered) -> float:
    return found.answers / found.seconds
