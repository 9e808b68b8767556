"""What errors of servers mean, and what is said of them."""

import logging
import re

from clickhouse_driver.errors import ErrorCodes, ServerException

from calltally.errors import CalltallyError, FolderUnusable, StorageFull, Unavailable

__all__ = ["distrust", "is_missing", "refusal", "said"]

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
    if code in NO_TABLES:
        return FolderUnusable(f"The tables are not those of this release; run `calltally engine init` ({said(error)})")
    if code in REFUSED:
        logger.warning("the database refuses us: %s", said(error))
        return Unavailable("The database does not let this server in; its log says why", 60)
    return None


def said(error: ServerException) -> str:
    """What a server said, without where in its code that was."""
    return str(error.message).partition("Stack trace")[0].strip()
