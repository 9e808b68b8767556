"""Questions that were understood before, so that asking them again costs nothing."""

from collections import OrderedDict

from starlette.concurrency import run_in_threadpool

from calltally.accounts import Business
from calltally.query import Question, Timing, ask

__all__ = ["Questions"]

MOST = 2000
LONGEST = 1000  # bytes of a query string

Name = tuple[bytes, str, str, str, bool]  # the query string, whose calls, clock and numbering plan, whether a picture


class Questions:
    """The question that was not asked for longest is forgotten first. For one thread: that of the event loop."""

    def __init__(self) -> None:
        self._known: OrderedDict[Name, Question] = OrderedDict()

    async def understood(self, query_string: bytes, business: Business, *, pictured: bool = False) -> Question:
        """The question that a business asks, or the picture that it asks for.

        Raises:
            InvalidRequest: with every problem of the query.
        """
        name = (query_string, business.calls, business.timezone, business.region, pictured)
        question = self._known.get(name)
        if question is None:
            # In a thread: a time zone that is new takes a third of a second, and many problems take their time too.
            question = await run_in_threadpool(ask, query_string, business, Timing(), pictured=pictured)
        if len(query_string) <= LONGEST:
            self._remember(name, question)
        return question

    def _remember(self, name: Name, question: Question) -> None:
        self._known[name] = question
        self._known.move_to_end(name)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
