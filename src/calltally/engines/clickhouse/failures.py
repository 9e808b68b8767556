"""What errors of servers mean, and what is said of them."""

import logging
import re

from clickhouse_driver.errors import Error, ErrorCodes, ServerException

from calltally.errors import CalltallyError, FolderUnusable, StorageFull, Unavailable

__all__ = ["broken", "distrust", "is_missing", "refusal", "said"]

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
    ErrorCodes.CANNOT_ALLOCATE_MEMORY,
    ErrorCodes.TOO_MANY_PARTS,  # merging does not keep up
    ErrorCodes.UNFINISHED,  # a replica that is away has not done its part
    ErrorCodes.QUERY_WAS_CANCELLED,
    439,  # there is no thread for it
    517,  # another one alters the table
}
# A connection, or whoever was at its other end, went away; none of them says which.
BROKEN = {
    ErrorCodes.CANNOT_READ_ALL_DATA,
    ErrorCodes.CANNOT_READ_FROM_SOCKET,
    ErrorCodes.CANNOT_WRITE_TO_SOCKET,
    ErrorCodes.UNKNOWN_PACKET_FROM_CLIENT,
    ErrorCodes.UNKNOWN_PACKET_FROM_SERVER,
    ErrorCodes.UNEXPECTED_PACKET_FROM_CLIENT,
    ErrorCodes.UNEXPECTED_PACKET_FROM_SERVER,
    ErrorCodes.RECEIVED_DATA_FOR_WRONG_QUERY_ID,
    ErrorCodes.NO_FREE_CONNECTION,
    ErrorCodes.ABORTED,  # the server ends
    ErrorCodes.NO_ACTIVE_REPLICAS,
    ErrorCodes.NO_AVAILABLE_REPLICA,
    ErrorCodes.NO_REMOTE_SHARD_FOUND,
    ErrorCodes.SHARD_HAS_NO_CONNECTIONS,
    ErrorCodes.POCO_EXCEPTION,  # of the library that has their sockets
    519,  # no remote shard is available
}
# What the profile of Calltally's user bounds, beside time and memory, and what it does not allow.
LIMITS = {
    int(getattr(ErrorCodes, name)): name
    for name in (
        "TOO_MANY_ROWS",
        "TOO_SLOW",
        "TOO_MANY_COLUMNS",
        "TOO_DEEP_SUBQUERIES",
        "TOO_DEEP_PIPELINE",
        "TOO_MANY_TEMPORARY_COLUMNS",
        "TOO_MANY_TEMPORARY_NON_CONST_COLUMNS",
        "TOO_DEEP_AST",
        "TOO_BIG_AST",
        "SET_SIZE_LIMIT_EXCEEDED",
        "QUOTA_EXPIRED",
        "LIMIT_EXCEEDED",
        "TOO_MANY_BYTES",
        "TOO_MANY_ROWS_OR_BYTES",
    )
}
FORBIDDEN = {
    int(ErrorCodes.READONLY): "READONLY",
    int(ErrorCodes.QUERY_IS_PROHIBITED): "QUERY_IS_PROHIBITED",
    452: "SETTING_CONSTRAINT_VIOLATION",
    472: "READONLY_SETTING",
}
NO_TABLES = {
    ErrorCodes.UNKNOWN_TABLE,
    ErrorCodes.UNKNOWN_DATABASE,
    ErrorCodes.UNKNOWN_IDENTIFIER,
    ErrorCodes.NO_SUCH_COLUMN_IN_TABLE,
    ErrorCodes.THERE_IS_NO_COLUMN,
}
REFUSED = {
    ErrorCodes.UNKNOWN_USER,
    ErrorCodes.WRONG_PASSWORD,
    ErrorCodes.REQUIRED_PASSWORD,
    ErrorCodes.IP_ADDRESS_NOT_ALLOWED,
    ErrorCodes.DATABASE_ACCESS_DENIED,
    497,
    516,
}
NO_SPACE = {ErrorCodes.NOT_ENOUGH_SPACE}
NO_SPACE_SAID = ("errno: 28", "No space left on device")  # of a file that could not be written, beside any code
MISSING_SAID = ("Timeout exceeded while reading", "Connection refused")  # of another server, beside any code
BETWEEN = (
    "The servers of the database do not trust each other's certificates: see <openSSL><client> in their configuration"
)
SECURE_PORT = "with secure=true CALLTALLY_ENGINE has to say its secure port, 9440 in most cases"
NAMED_OTHERWISE = "Name the server as its certificate does, in CALLTALLY_ENGINE and in remote_servers of the servers"
NOT_SIGNED = "If it is good, name the file of those who signed it in CALLTALLY_ENGINE: ca=FILE"
# The driver makes a text of them, with who it was at its end.
UNTRUSTED = re.compile(r"CERTIFICATE_VERIFY_FAILED\] certificate verify failed: (.*?)\.? \(_ssl\.c.*\((.*)\)")
NO_TLS = re.compile(r"\[SSL: (?:WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE)\].*\((.*)\)")
UNTRUSTED_BETWEEN = "certificate verify failed"


def distrust(error: BaseException) -> Unavailable | None:
    """An error as ours if it is for want of trust, not of an answer; None for any other."""
    if isinstance(error, ServerException):
        return Unavailable(BETWEEN, 60) if UNTRUSTED_BETWEEN in said(error) else None
    if found := NO_TLS.search(str(error)):
        return Unavailable(f"{found[1]} does not speak TLS there: {SECURE_PORT}", 60)
    if found := UNTRUSTED.search(str(error)):
        why, server = found.groups()
        what_to_do = NAMED_OTHERWISE if "mismatch" in why else NOT_SIGNED
        return Unavailable(f"The certificate of {server} is not trusted: {why}. {what_to_do}", 60)
    return None


def is_missing(error: ServerException) -> bool:
    """Whether the server did not get what it asked another one for."""
    return int(error.code) in MISSING or any(words in said(error) for words in MISSING_SAID)


def refusal(error: ServerException) -> CalltallyError | None:
    """An error of a server as one of ours; None for one that is a defect."""
    code = int(error.code)
    if code in NO_SPACE or any(words in said(error) for words in NO_SPACE_SAID):
        logger.warning("no room on a disk of the database: %s", said(error))
        return StorageFull("There is no room left on the disks of the database; make some and send it again")
    if code in BUSY:
        logger.warning("the database cannot do it now: %s", said(error))
        return Unavailable("The database cannot do this now: it is out of time, memory or turns", 5)
    if code in BROKEN:
        return broken(error)
    if in_the_way := _bounded(code):
        logger.warning("the profile of our user stands in the way: %s", said(error))
        return Unavailable(in_the_way, 60)
    if code in NO_TABLES:
        return FolderUnusable(f"The tables are not those of this release; run `calltally engine init` ({said(error)})")
    if code in REFUSED:
        logger.warning("the database refuses us: %s", said(error))
        return Unavailable("The database does not let this server in; its log says why", 60)
    return None


def broken(error: Error) -> Unavailable:
    """What is said of an error that leaves no more to say than that nothing came of it."""
    logger.warning("the database cannot be understood: %s", error)
    return Unavailable("The connection to the database has broken", 5)


def _bounded(code: int) -> str | None:
    """What a profile stands in the way of, and what to do about it; None where it does not."""
    if code in LIMITS:
        return f"A limit of the database's profile was met (code {code} {LIMITS[code]}); raise it for Calltally's user"
    if code in FORBIDDEN:
        what = f"code {code} {FORBIDDEN[code]}"
        return f"The database's profile forbids what Calltally asks for ({what}); allow it to Calltally's user"
    return None


def said(error: ServerException) -> str:
    """What a server said, without where in its code that was."""
    return str(error.message).partition("Stack trace")[0].strip()
