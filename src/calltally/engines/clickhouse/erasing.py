"""What is to leave the disks of all servers: a caller's number, or everything that a business had."""

import time

from calltally.engines.clickhouse.connections import Servers
from calltally.engines.clickhouse.schema import MONTH, Tables
from calltally.engines.clickhouse.sessions import Session
from calltally.engines.sql import Statement
from calltally.errors import Unavailable

__all__ = ["remove_bytes", "remove_rows"]

PATIENCE = 60.0  # seconds until the parts of a server that are being merged already are done
PAUSE = 0.2


def remove_bytes(servers: Servers, tables: Tables, business: str, caller_number: str) -> None:
    """Write anew, on every server, the months in which rows that were replaced still have a caller's number.

    Raises:
        Unavailable: a server does not answer, or is too busy; run it again.
    """
    for server in servers.each():
        with servers.session_with(server) as session:
            deadline = time.monotonic() + PATIENCE
            while months := _months_with(session, tables, business, caller_number):
                if time.monotonic() > deadline:
                    raise Unavailable("The number is out of all calls, but not yet off the disks: erase it again", 60)
                for month in months:
                    session.rows(
                        Statement(f"OPTIMIZE TABLE {tables.local('calls')} PARTITION {month} FINAL"), unhurried=True
                    )
                time.sleep(PAUSE)


def remove_rows(servers: Servers, tables: Tables, business: str) -> None:
    """Let every server remove the rows of a business, which it does in the background."""
    for server in servers.each():
        with servers.session_with(server) as session:
            for table in ("calls", "places"):
                session.rows(Statement(f"ALTER TABLE {tables.local(table)} DELETE WHERE business = ?", (business,)))


def _months_with(session: Session, tables: Tables, business: str, caller_number: str) -> list[int]:
    found = session.rows(
        Statement(
            f"SELECT DISTINCT {MONTH} FROM {tables.local('calls')} WHERE business = ? AND caller_number = ?",
            (business, caller_number),
        ),
        unhurried=True,
    )
    return [int(month) for (month,) in found]
