"""Questions that were understood before, so that asking them again costs nothing."""

from collections import OrderedDict
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from calltally.accounts import Business
from calltally.engines import Plan
from calltally.query import Timing, ValidQuery, ask, fingerprint

__all__ = ["Question", "Questions"]

MOST = 2000
LONGEST = 1000  # bytes of a query string

Name = tuple[bytes, str, str, str]  # the query string, whose calls, which clock, and whose numbering plan


@dataclass(frozen=True)
class Question:
    """What is asked, and what tells it apart from other questions."""

    query: ValidQuery
    plan: Plan
    fingerprint: bytes


class Questions:
    """The question that was not asked for longest is forgotten first. For one thread: that of the event loop."""

    def __init__(self) -> None:
        self._known: OrderedDict[Name, Question] = OrderedDict()

    async def understood(self, query_string: bytes, business: Business) -> Question:
        """The question that a business asks.

        Raises:
            InvalidRequest: with every problem of the query.
        """
        name = (query_string, business.calls, business.timezone, business.region)
        question = self._known.get(name)
        if question is None:
            # In a thread: a time zone that is new takes a third of a second, and many problems take their time too.
            question = await run_in_threadpool(_understood, query_string, business)
        if len(query_string) <= LONGEST:
            self._remember(name, question)
        return question

    def _remember(self, name: Name, question: Question) -> None:
        self._known[name] = question
        self._known.move_to_end(name)
        if len(self._known) > MOST:
            self._known.popitem(last=False)


def _understood(query_string: bytes, business: Business) -> Question:
    query, plan = ask(query_string, business, Timing())
    return Question(query, plan, fingerprint(query, plan))
