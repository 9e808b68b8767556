"""PostgreSQL as the home of a control database that several nodes share: connections, and whose turn it is to write."""

import select
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, InvalidatePoolError

if TYPE_CHECKING:
    import psycopg  # which takes 9 MB, of all who have no PostgreSQL

__all__ = ["DISK_FULL", "NAME", "READ_ONLY", "is_shared", "postgresql_engine"]

NAME = "postgresql"
DISK_FULL, READ_ONLY = "53100", "25006"  # what it calls errors; the second is a server that another one replaces
WRITING = "1667329132, 1"  # the lock of whoever writes to a control database
PATIENCE = {  # so that a machine that is gone, ours or the server's, is noticed within half a minute
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
# The same for the server, which would hold locks of ours for hours; and what is committed is on its disk.
OPTIONS = (
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=25000 "
    "-c synchronous_commit=on"
)


def is_shared(url: str) -> bool:
    """Whether the control database at a URL is one that several nodes can share."""
    try:
        return bool(url) and make_url(url).get_backend_name() == NAME
    except ArgumentError:  # which whoever opens it will say
        return False


def postgresql_engine(url: URL, kept: int, more: int, busy_seconds: float) -> Engine:
    """Connections to the database at a URL, so many kept open and so many more at the most.

    A transaction with the option `writes` is the only one of that kind, as it is in SQLite: it begins once those
    before it have ended, and waits for that as long as its option `busy_seconds` says.
    """
    options = f"{url.query.get('options', '')} {OPTIONS}"
    engine = create_engine(
        url,
        connect_args={**PATIENCE, **url.query, "options": options},
        isolation_level="READ COMMITTED",
        pool_size=kept,
        max_overflow=more,
    )

    def begin(connection: Connection) -> None:
        chosen = connection.get_execution_options()
        if chosen.get("writes"):
            patience = round(1000 * chosen.get("busy_seconds", busy_seconds))
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {patience}; SELECT pg_advisory_xact_lock({WRITING})")

    event.listen(engine, "checkout", _require_open)
    event.listen(engine, "begin", begin)
    return engine


def _require_open(connection: "psycopg.Connection[Any]", *_: object) -> None:
    """Let connections that the server has closed be opened anew.

    There is something to read on an idle connection only where the server has gone: to look takes microseconds, to ask
    as long as what the connection is wanted for.
    """
    poll = select.poll()
    if not connection.closed:
        poll.register(connection.fileno(), select.POLLIN)
    if connection.closed or poll.poll(0):
        raise InvalidatePoolError
