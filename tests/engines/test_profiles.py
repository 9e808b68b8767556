"""Servers whose own profile has settings of another mind: answers are whole all the same, or it is said what is met."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from clickhouse_driver.errors import ServerException
from servers.clickhouse import MEMORY, USERS, Cluster, running

from calltally.accounts import Business
from calltally.engines import Engine, open_engine, prepare_engine
from calltally.engines.clickhouse import DriverServers, read_address
from calltally.engines.sql import Statement
from calltally.errors import Unavailable
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.settings import Settings
from tests.asking import report
from tests.conftest import NewBusiness
from tests.deliveries import state_of

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("profiles")]

CALLS = [
    {
        "id": f"c{n}",
        "started_at": f"2026-0{1 + n % 9}-01T10:{n % 60:02}:00Z",
        "source": f"s{n % 40}",
        "caller_number": f"+1305555{n % 300:04}",
        "duration_seconds": n,
    }
    for n in range(900)
]
QUESTION = "group_by=source&metrics=count,unique_callers,avg_duration&limit=1000&sort_by=avg_duration"

Given = Callable[[str], Engine]
Answered = tuple[Business, dict[str, Any], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster")) as found:
        prepare_engine(Settings(engine=found.url))
        yield found


@pytest.fixture
def given(cluster: Cluster, tmp_path: Path) -> Iterator[Given]:
    """Starts all servers anew with these settings in their profile, and opens an engine."""
    opened: list[Engine] = []

    def give(profile: str) -> Engine:
        _restart(cluster, profile)
        settings = Settings(engine=cluster.url, memory="300MB", threads=1)
        opened.append(open_engine(DataFolder(tmp_path / f"data{len(opened)}"), settings))
        return opened[-1]

    yield give
    for engine in opened:
        engine.close()


def _restart(cluster: Cluster, profile: str) -> None:
    users = USERS.format(memory=MEMORY).replace("<profiles><default>", f"<profiles><default>{profile}")
    for node in cluster.nodes:
        node.kill()
        (node.folder / "users.xml").write_text(users)
        node.start()


@pytest.fixture(scope="module")
def answered(cluster: Cluster, new_business: NewBusiness, tmp_path_factory: pytest.TempPathFactory) -> Answered:
    """A business with calls, and what is answered where the profile says nothing."""
    _restart(cluster, "")
    business = new_business()
    settings = Settings(engine=cluster.url, memory="300MB", threads=1)
    with closing(open_engine(DataFolder(tmp_path_factory.mktemp("data") / "data"), settings)) as engine:
        for first in range(0, len(CALLS), 300):
            deliver([Delivery(call, 1) for call in CALLS[first : first + 300]], business, engine)
        return business, report(engine, business, QUESTION), state_of(engine, business)


@pytest.mark.parametrize(
    "profile",
    [
        "<extremes>1</extremes>",
        "<max_result_rows>10</max_result_rows>",
        "<max_result_rows>10</max_result_rows><result_overflow_mode>break</result_overflow_mode>",
        "<max_result_bytes>100</max_result_bytes><result_overflow_mode>break</result_overflow_mode>",
        "<max_rows_to_read>100</max_rows_to_read><read_overflow_mode>break</read_overflow_mode>",
        "<max_bytes_to_read>100</max_bytes_to_read><read_overflow_mode>break</read_overflow_mode>",
        "<distributed_group_by_no_merge>1</distributed_group_by_no_merge>",
    ],
)
def test_no_profile_cuts_an_answer_or_adds_to_it(answered: Answered, given: Given, profile: str) -> None:
    business, whole_report, calls = answered
    engine = given(profile)
    assert report(engine, business, QUESTION) == whole_report
    assert state_of(engine, business) == calls


@pytest.mark.parametrize(
    ("profile", "limit"),
    [
        (
            "<max_rows_to_group_by>10</max_rows_to_group_by><group_by_overflow_mode>any</group_by_overflow_mode>",
            "158 TOO_MANY_ROWS",
        ),
        ("<max_columns_to_read>3</max_columns_to_read>", "161 TOO_MANY_COLUMNS"),
    ],
)
def test_a_limit_of_the_profile_that_is_met_is_named(
    answered: Answered, given: Given, profile: str, limit: str
) -> None:
    engine = given(profile)
    with pytest.raises(Unavailable) as refused:
        report(engine, answered[0], QUESTION)
    assert str(refused.value) == (
        f"A limit of the database's profile was met (code {limit}); raise it for Calltally's user"
    )


def test_a_question_that_no_server_understands_is_a_defect(cluster: Cluster) -> None:
    """It is not taken for a connection that has broken, which would be asked for again."""
    _restart(cluster, "")
    with closing(DriverServers(read_address(cluster.url), 10.0)) as servers:
        with pytest.raises(ServerException, match="Unknown function"):
            servers.asked(lambda session: session.rows(Statement("SELECT nothing_of_the_kind(1)")))
        assert servers.asked(lambda session: session.rows(Statement("SELECT 1"))) == [(1,)]
