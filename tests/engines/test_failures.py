"""What is said of errors of ClickHouse's servers."""

import pytest
from clickhouse_driver.errors import ErrorCodes, ServerException

from calltally.engines.clickhouse.failures import is_missing, refusal
from calltally.errors import CalltallyError, StorageFull, Unavailable

FULL = (
    "DB::Exception: Received from 127.0.0.1:21313. DB::ErrnoException. DB::ErrnoException: Cannot write to file "
    "/data/calltally/places_local/tmp_insert_all_2_2_0/id_hash.bin, errno: 28, strerror: No space left on device. "
    "Stack trace:\n\n0. clickhouse-server"
)
FORBIDS = (
    "The database's profile forbids what Calltally asks for (code 452 SETTING_CONSTRAINT_VIOLATION); "
    "allow it to Calltally's user"
)


def refused(code: int, message: str = "DB::Exception: x") -> CalltallyError | None:
    return refusal(ServerException(message, code))


@pytest.mark.parametrize("code", [ErrorCodes.CANNOT_WRITE_TO_FILE_DESCRIPTOR, ErrorCodes.KEEPER_EXCEPTION, 1001])
def test_a_full_disk_is_one_whatever_its_code(code: int) -> None:
    assert isinstance(refused(code, FULL), StorageFull)
    assert not isinstance(refused(code), StorageFull)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (158, "A limit of the database's profile was met (code 158 TOO_MANY_ROWS); raise it for Calltally's user"),
        (201, "A limit of the database's profile was met (code 201 QUOTA_EXPIRED); raise it for Calltally's user"),
        (307, "A limit of the database's profile was met (code 307 TOO_MANY_BYTES); raise it for Calltally's user"),
        (452, FORBIDS),
        (ErrorCodes.MEMORY_LIMIT_EXCEEDED, "The database cannot do this now: it is out of time, memory or turns"),
        (ErrorCodes.QUERY_WAS_CANCELLED, "The database cannot do this now: it is out of time, memory or turns"),
        (ErrorCodes.DATABASE_ACCESS_DENIED, "The database does not let this server in; its log says why"),
        (ErrorCodes.CANNOT_READ_ALL_DATA, "The connection to the database has broken"),
        (ErrorCodes.ABORTED, "The connection to the database has broken"),
        (ErrorCodes.POCO_EXCEPTION, "The connection to the database has broken"),
    ],
)
def test_what_may_work_later_is_unavailable(code: int, says: str) -> None:
    found = refused(code)
    assert isinstance(found, Unavailable)
    assert found.message == says


@pytest.mark.parametrize("code", [ErrorCodes.SYNTAX_ERROR, ErrorCodes.LOGICAL_ERROR, ErrorCodes.CORRUPTED_DATA])
def test_a_defect_is_not_said_to_be_anything_else(code: int) -> None:
    assert refused(code) is None


@pytest.mark.parametrize("code", [32, 209, 210, 279])
def test_a_server_that_another_one_does_not_reach_is_missing(code: int) -> None:
    assert is_missing(ServerException("DB::Exception: x", code))
