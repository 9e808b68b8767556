"""What errors of servers mean, and what is said of them."""

import logging

from clickhouse_driver.errors import ErrorCodes, ServerException

from calltally.errors import CalltallyError, FolderUnusable, StorageFull, Unavailable

__all__ = ["is_missing", "refusal", "said"]

logger = logging.getLogger(__name__)

MISSING = {
    ErrorCodes.SOCKET_TIMEOUT,
    ErrorCodes.NETWORK_ERROR,
    ErrorCodes.ALL_CONNECTION_TRIES_FAILED,
    ErrorCodes.ATTEMPT_TO_READ_AFTER_EOF,
    ErrorCodes.ALL_REPLICAS_ARE_STALE,
    ErrorCodes.DNS_ERROR,
}
BUSY = {
    ErrorCodes.TIMEOUT_EXCEEDED,
    ErrorCodes.MEMORY_LIMIT_EXCEEDED,
    ErrorCodes.TOO_MANY_SIMULTANEOUS_QUERIES,
    ErrorCodes.TABLE_IS_READ_ONLY,
    ErrorCodes.NO_ZOOKEEPER,
    ErrorCodes.TOO_LESS_LIVE_REPLICAS,
    ErrorCodes.UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE,
    ErrorCodes.REPLICA_IS_NOT_IN_QUORUM,
    ErrorCodes.UNKNOWN_STATUS_OF_INSERT,
    ErrorCodes.KEEPER_EXCEPTION,
    252,  # too many parts: merging does not keep up
    394,  # the query was cancelled
}
NO_TABLES = {
    ErrorCodes.UNKNOWN_TABLE,
    ErrorCodes.UNKNOWN_DATABASE,
    ErrorCodes.UNKNOWN_IDENTIFIER,
    ErrorCodes.NO_SUCH_COLUMN_IN_TABLE,
    ErrorCodes.THERE_IS_NO_COLUMN,
}
REFUSED = {ErrorCodes.UNKNOWN_USER, ErrorCodes.WRONG_PASSWORD, ErrorCodes.REQUIRED_PASSWORD, 497, 516}
NO_SPACE = {ErrorCodes.NOT_ENOUGH_SPACE}
MISSING_SAID = ("Timeout exceeded while reading", "Connection refused")  # of another server, beside any code


def is_missing(error: ServerException) -> bool:
    """Whether the server did not get what it asked another one for."""
    return int(error.code) in MISSING or any(words in said(error) for words in MISSING_SAID)


def refusal(error: ServerException) -> CalltallyError | None:
    """An error of a server as one of ours; None for one that is a defect."""
    code = int(error.code)
    if code in BUSY:
        logger.warning("the database cannot do it now: %s", said(error))
        return Unavailable("The database cannot do this now: it is out of time, memory or turns", 5)
    if code in NO_SPACE:
        return StorageFull("There is no room left on the disks of the database; make some and send it again")
    if code in NO_TABLES:
        return FolderUnusable(f"The tables are not those of this release; run `calltally engine init` ({said(error)})")
    if code in REFUSED:
        logger.warning("the database refuses us: %s", said(error))
        return Unavailable("The database does not let this server in; its log says why", 60)
    return None


def said(error: ServerException) -> str:
    """What a server said, without where in its code that was."""
    return str(error.message).partition("Stack trace")[0].strip()
