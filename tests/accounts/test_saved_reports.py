"""Saved reports and shares in the control database: names, limits, ends, copies, and what erasing leaves of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from calltally.accounts import (
    MOST_SAVED_REPORTS,
    MOST_SHARES,
    Actor,
    Business,
    Control,
    authenticate,
    change_saved_report,
    create_key,
    create_share,
    delete_business,
    delete_saved_report,
    find_share,
    list_saved_reports,
    list_shares,
    open_control,
    read_account,
    redact_saved_reports,
    redact_shares,
    report_name_problem,
    revoke_key,
    revoke_share,
    save_report,
    write_account,
)
from calltally.accounts.copying import reserve_store, restore_account
from calltally.accounts.tables import saved_reports, shares
from calltally.errors import InvalidRequest, NotFound
from calltally.folder import DataFolder
from tests.accounts.conftest import NOW, new_business

DAY = timedelta(days=1)
REQUEST = "group_by=source&range=month"
CALLER = "+13055551234"


def new_actor(control: Control, business: Business) -> Actor:
    key = create_key(control, business, None, ("report",), NOW)
    return authenticate(control, f"Bearer {key.secret}", NOW)


@pytest.fixture
def actor(control: Control, business: Business) -> Actor:
    return new_actor(control, business)


def saved(control: Control, business: Business, name: str = "Sources", request: str = REQUEST) -> str:
    return save_report(control, business.id, name, request, NOW).id


def names(control: Control, business: Business) -> list[str]:
    return [report.name for report in list_saved_reports(control, business)]


def shared(control: Control, actor: Actor, days: int | None = None, name: str | None = None) -> tuple[str, str]:
    """The id and the token of a new share."""
    expires_at = NOW + days * DAY if days else None
    share, token = create_share(control, actor, name=name, request=REQUEST, now=NOW, expires_at=expires_at)
    return share.id, token


def is_good(control: Control, token: str, days: float = 0) -> bool:
    try:
        find_share(control, token, NOW + days * DAY)
    except NotFound:
        return False
    return True


# --- Saved reports --------------------------------------------------------------------------------------------------


def test_they_are_listed_by_name(control: Control, business: Business) -> None:
    for name in ("zebra", "Äpfel", "apples", "Bees"):
        saved(control, business, name)
    assert names(control, business) == ["apples", "Bees", "zebra", "Äpfel"]
    assert names(control, new_business(control, "Other")) == []


def test_a_name_is_given_once_in_a_business(control: Control, business: Business) -> None:
    first, other = saved(control, business), new_business(control, "Other")
    with pytest.raises(InvalidRequest, match="name: there is a saved report 'Sources' already"):
        saved(control, business)
    saved(control, other)
    second = saved(control, business, "sources")
    with pytest.raises(InvalidRequest, match="already"):
        change_saved_report(control, business.id, second, NOW, name="Sources")
    kept = change_saved_report(control, business.id, first, NOW + DAY, name="Sources", request="group_by=date")
    assert (kept.created_at, kept.updated_at, kept.request) == (NOW, NOW + DAY, "group_by=date")
    assert change_saved_report(control, business.id, first, NOW, name="Other").name == "Other"


def test_of_many_who_take_a_name_at_once_one_gets_it(control: Control, business: Business) -> None:
    def taken(_: int) -> bool:
        try:
            saved(control, business)
        except InvalidRequest:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(taken, range(16))) == 1


@pytest.mark.parametrize("name", ["", "x" * 101, "two\nlines", "\x00", "\u2028"])
def test_what_is_no_name(name: str) -> None:
    problem = report_name_problem(name)
    assert problem
    assert problem.message.startswith("name: ")
    assert report_name_problem("x" * 100) is report_name_problem("<b>ü 日本</b>") is None


def test_another_business_has_none_of_it(control: Control, business: Business) -> None:
    other, mine = new_business(control, "Other"), saved(control, business)
    for report_id in (mine, "nothing", "", "' OR 1=1"):
        with pytest.raises(NotFound):
            change_saved_report(control, other.id, report_id, NOW, name="Stolen")
        with pytest.raises(NotFound):
            delete_saved_report(control, other.id, report_id)
    delete_saved_report(control, business.id, mine)
    with pytest.raises(NotFound):
        delete_saved_report(control, business.id, mine)


def test_there_are_so_many_at_most(control: Control, business: Business, actor: Actor) -> None:
    with control.writing() as connection:
        fixed = {"business_id": business.id, "request": REQUEST, "created_at": NOW}
        for number in range(max(MOST_SAVED_REPORTS, MOST_SHARES)):
            values = {**fixed, "id": str(number), "name": f"n{number}"}
            connection.execute(insert(saved_reports).values(**values, updated_at=NOW))
            connection.execute(insert(shares).values(**values, key_id=actor.key_id, token_hash=str(number)))
    with pytest.raises(InvalidRequest, match="500 saved reports, the most"):
        saved(control, business)
    with pytest.raises(InvalidRequest, match="shares 500 reports, the most"):
        shared(control, actor)
    delete_saved_report(control, business.id, "7")
    revoke_share(control, business.id, "7")
    saved(control, business)
    shared(control, actor)


def test_a_business_goes_with_all_of_it(control: Control, business: Business, actor: Actor) -> None:
    saved(control, business)
    _, token = shared(control, actor)
    delete_business(control, business.id)
    with control.reading() as connection:
        assert connection.execute(select(saved_reports)).all() == connection.execute(select(shares)).all() == []
    assert not is_good(control, token)
    with pytest.raises(NotFound):
        saved(control, business)
    with pytest.raises(NotFound):
        shared(control, actor)


# --- Shares ---------------------------------------------------------------------------------------------------------


def test_a_share_is_found_by_its_token_alone(control: Control, business: Business, actor: Actor) -> None:
    share_id, token = shared(control, actor, name="Board")
    share, owner = find_share(control, token, NOW)
    assert (share.id, share.name, share.request, owner) == (share_id, "Board", REQUEST, business)
    assert len(token) == 43
    for other in ("", token[:-1], token + "x", share_id, "ü", "x" * 5000):
        assert not is_good(control, other)
    with control.reading() as connection:
        assert token not in str(connection.exec_driver_sql("SELECT * FROM shares").all())


def test_a_share_ends_at_its_end(control: Control, business: Business, actor: Actor) -> None:
    _, week = shared(control, actor, days=7)
    _, ever = shared(control, actor)
    assert is_good(control, week, 6.99)
    assert not is_good(control, week, 7)
    assert is_good(control, ever, 36500)
    assert [share.expires_at for share in list_shares(control, business, NOW + 7 * DAY)] == [None]


def test_a_share_ends_when_it_is_revoked_by_its_own_business(
    control: Control, business: Business, actor: Actor
) -> None:
    share_id, token = shared(control, actor)
    with pytest.raises(NotFound):
        revoke_share(control, new_business(control, "Other").id, share_id)
    assert is_good(control, token)
    revoke_share(control, business.id, share_id)
    assert not is_good(control, token)
    with pytest.raises(NotFound):
        revoke_share(control, business.id, share_id)


def test_a_share_ends_with_the_key_that_made_it(control: Control, business: Business, actor: Actor) -> None:
    other = new_actor(control, business)
    (_, mine), (_, others) = shared(control, actor), shared(control, other)
    revoke_key(control, actor.key_id, NOW)
    assert (is_good(control, mine), is_good(control, others)) == (False, True)
    assert len(list_shares(control, business, NOW)) == 1


def test_what_is_over_is_removed_with_the_next_one(control: Control, business: Business, actor: Actor) -> None:
    shared(control, actor, days=1)
    gone = new_actor(control, business)
    shared(control, gone)
    revoke_key(control, gone.key_id, NOW)
    create_share(control, actor, name=None, request=REQUEST, now=NOW + DAY, expires_at=None)
    with control.reading() as connection:
        assert len(connection.execute(select(shares)).all()) == 1


# --- Copies ---------------------------------------------------------------------------------------------------------


def test_a_copy_has_the_saved_reports_and_lets_nobody_see_a_share(
    control: Control, business: Business, actor: Actor, folder: DataFolder
) -> None:
    saved(control, business)
    _, token = shared(control, actor)
    with open_control(DataFolder(folder.path.with_name("copy"))) as copy:
        write_account(copy, read_account(control, business.id))
        assert list_saved_reports(copy, business) == list_saved_reports(control, business)
        assert list_shares(copy, business, NOW) == ()
        assert not is_good(copy, token)


def test_a_restore_brings_back_what_is_missing(control: Control, business: Business) -> None:
    deleted, renamed, taken = (saved(control, business, name) for name in ("deleted", "renamed", "taken"))
    account = read_account(control, business.id)
    delete_saved_report(control, business.id, deleted)
    change_saved_report(control, business.id, renamed, NOW, name="new name")
    delete_saved_report(control, business.id, taken)
    again = saved(control, business, "taken", "group_by=date")
    restore_account(control, account, reserve_store(control, account))
    found = {report.name: report.id for report in list_saved_reports(control, business)}
    assert found == {"deleted": deleted, "new name": renamed, "taken": again}


# --- Erasing --------------------------------------------------------------------------------------------------------


def test_a_callers_number_is_taken_out_of_names_and_filters(control: Control, business: Business, actor: Actor) -> None:
    filtered = "group_by=source&where%5Bsource%5D=%2B13055551234&range=all"
    saved(control, business, "untouched")
    for name in ("of (305) 555-1234", "of 305-555-1234", "305 555 1234", "+1 305 555 1234 "):
        saved(control, business, name, filtered)
    create_share(control, actor, name="3055551234", request=filtered, now=NOW, expires_at=None)
    shared(control, actor, name="untouched")
    assert (redact_saved_reports(control, business, CALLER), redact_shares(control, business, CALLER)) == (4, 1)
    assert (redact_saved_reports(control, business, CALLER), redact_shares(control, business, CALLER)) == (0, 0)
    with control.reading() as connection:
        kept = str([connection.execute(select(table)).all() for table in (saved_reports, shares)])
    for part in ("3055551234", "555-1234", "555 1234"):
        assert part not in kept
    assert len(set(names(control, business))) == 5
    assert {share.name for share in list_shares(control, business, NOW)} == {None, "untouched"}
