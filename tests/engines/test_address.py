"""Where a cluster is, as the setting says it."""

import pytest

from calltally.engines import engine_status, open_engine, prepare_engine
from calltally.engines.clickhouse import Address, read_address
from calltally.errors import InvalidRequest
from calltally.folder import DataFolder
from calltally.settings import Settings


def test_an_address_is_read() -> None:
    assert read_address("clickhouse://me:a%40b%2Fc@one:9001,[::1]:9002,three/calls?cluster=all&secure=true&ca=/x") == (
        Address((("one", 9001), ("::1", 9002), ("three", 9440)), "me", "a@b/c", "calls", "all", secure=True, ca="/x")
    )
    assert read_address("clickhouse://one/calls") == Address((("one", 9000),), "default", "", "calls")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("clickhouse://me:secret@one", "the name of the database"),
        ("clickhouse://me:secret@one/a-b", "the name of the database"),
        ("clickhouse://me:secret@one,,two/a", "'' is not a host"),
        ("clickhouse://me:secret@one:port/a", "'one:port' is not a host"),
        ("clickhouse://me:secret@one/a?cluster=a'b", "is not the name of a cluster"),
        ("clickhouse://me:secret@one/a?secure=yes", "secure is true or false, not 'yes'"),
        ("clickhouse://me:secret@one/a?clustr=b", "'clustr' is not an option"),
        ("clickhouse://me:secret@o\uff0fne/a", "its hosts cannot be read; it is written like clickhouse://"),
        ("clickhouse://me:secret@[one/a", "its hosts cannot be read"),
        ("mysql://me:secret@one/a", "'mysql' is no engine"),
        ("clickhouse", "CALLTALLY_ENGINE"),
    ],
)
def test_what_is_no_address_is_refused_and_the_password_is_not_repeated(
    url: str, why: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = Settings(engine=url)
    folder = DataFolder(tmp_path_factory.mktemp("data"))
    for use in (prepare_engine, engine_status, lambda given: open_engine(folder, given)):
        with pytest.raises(InvalidRequest, match=why) as caught:
            use(settings)
        assert "secret" not in str(caught.value)
        assert "secret" not in str(caught.value.__cause__)


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(read_address("clickhouse://me:secret@one/calls"))
