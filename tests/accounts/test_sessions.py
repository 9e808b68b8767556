"""Sessions and one-time links in the control database: noted, ended, used once, and in no backup."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from calltally.accounts import (
    Actor,
    Business,
    Control,
    authenticate,
    begin_session,
    choose_business,
    create_key,
    create_link,
    csrf_token,
    delete_business,
    end_session,
    find_session,
    list_keys,
    open_control,
    read_account,
    use_link,
    write_account,
)
from calltally.accounts.tables import keys, links, session_keys, sessions
from calltally.errors import NotFound, Unauthorized
from calltally.folder import DataFolder
from tests.accounts.conftest import NOW, new_business

DAY = timedelta(days=1)


@pytest.fixture
def actor(control: Control, business: Business) -> Actor:
    key = create_key(control, business, None, ("read",), NOW)
    return authenticate(control, f"Bearer {key.secret}", NOW)


def test_a_session_acts_as_its_key(control: Control, actor: Actor) -> None:
    token = begin_session(control, actor, None, NOW, NOW + DAY)
    assert find_session(control, token, NOW).actor == actor
    assert csrf_token(token) != csrf_token(begin_session(control, actor, None, NOW, NOW + DAY))


@pytest.mark.parametrize("token", ["", "nothing", "ü", "x" * 5000])
def test_there_is_no_other_session(control: Control, actor: Actor, token: str) -> None:
    begin_session(control, actor, None, NOW, NOW + DAY)
    end_session(control, token)
    with pytest.raises(Unauthorized):
        find_session(control, token, NOW)
    with pytest.raises(NotFound):
        choose_business(control, token, actor.business.id, NOW)


def test_its_use_is_noted_by_the_minute_with_that_of_its_key(control: Control, actor: Actor) -> None:
    token = begin_session(control, actor, None, NOW, NOW + DAY)
    for seconds, noted in ((59, 0), (60, 60), (119, 60), (120, 120)):
        find_session(control, token, NOW + timedelta(seconds=seconds))
        last = NOW + timedelta(seconds=noted)
        assert find_session(control, token, NOW).last_used_at == last
        assert list_keys(control, actor.business)[0].last_used_at == last


def test_a_session_looks_at_the_business_that_is_given(control: Control, actor: Actor) -> None:
    key = create_key(control, new_business(control), None, ("read",), NOW)
    other = authenticate(control, f"Bearer {key.secret}", NOW)
    token = begin_session(control, other, begin_session(control, actor, None, NOW, NOW + DAY), NOW, NOW + DAY)
    later = NOW + timedelta(minutes=1)
    assert find_session(control, token, later, actor.business.id).actor == actor
    assert [list_keys(control, each.business)[0].last_used_at for each in (actor, other)] == [later, NOW]
    assert find_session(control, token, NOW).actor == other
    with pytest.raises(Unauthorized):
        _ = find_session(control, token, NOW, "nothing").actor


def test_it_sets_no_later_use_of_its_key_back(control: Control, actor: Actor) -> None:
    token = begin_session(control, actor, None, NOW, NOW + DAY)
    with control.writing() as connection:  # as by another process, whose clock is ahead
        connection.execute(update(keys).values(last_used_at=NOW + timedelta(minutes=9)))
    assert find_session(control, token, NOW + timedelta(minutes=2)).actor.key_id == actor.key_id
    assert list_keys(control, actor.business)[0].last_used_at == NOW + timedelta(minutes=9)


def test_what_is_over_is_removed_with_the_next_one(control: Control, actor: Actor) -> None:
    for day in range(3):
        begin_session(control, actor, None, NOW + day * DAY, NOW + (day + 1) * DAY)
        create_link(control, actor.business.id, actor.key_id, NOW + day * DAY)
    with control.reading() as connection:
        for table in (sessions, session_keys, links):
            assert len(connection.execute(select(table)).all()) == 1


def test_of_many_who_use_a_link_at_once_one_does(control: Control, actor: Actor) -> None:
    token = create_link(control, actor.business.id, actor.key_id, NOW)

    def used(_: int) -> bool:
        try:
            return use_link(control, token, NOW) == actor
        except NotFound:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(used, range(8))) == 1


def test_a_business_goes_with_what_signs_in_to_it(control: Control, actor: Actor) -> None:
    token = begin_session(control, actor, None, NOW, NOW + DAY)
    create_link(control, actor.business.id, actor.key_id, NOW)
    delete_business(control, actor.business.id)
    with control.reading() as connection:
        assert connection.execute(select(session_keys)).all() == connection.execute(select(links)).all() == []
    with pytest.raises(Unauthorized):
        find_session(control, token, NOW)
    with pytest.raises(NotFound):
        begin_session(control, actor, None, NOW, NOW + DAY)


def test_no_backup_lets_anybody_in(control: Control, actor: Actor, folder: DataFolder) -> None:
    token = begin_session(control, actor, None, NOW, NOW + DAY)
    link = create_link(control, new_business(control, "Other").id, actor.key_id, NOW)
    mine = create_link(control, actor.business.id, actor.key_id, NOW)
    with open_control(DataFolder(folder.path.with_name("copy"))) as copy:
        write_account(copy, read_account(control, actor.business.id))
        assert list_keys(copy, actor.business)
        with pytest.raises(Unauthorized):
            find_session(copy, token, NOW)
        for made in (link, mine):
            with pytest.raises(NotFound):
                use_link(copy, made, NOW)
