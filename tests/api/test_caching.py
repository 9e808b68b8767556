"""What has not changed is not worked out again, and what has changed is seen in the very next answer."""

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.accounts import clear_business, list_keys, open_control, revoke_key, update_business
from calltally.api import Workers, openapi
from calltally.engines import Engine, Plan, Rows, Stop, open_engine
from calltally.errors import Unavailable
from calltally.folder import DataFolder
from calltally.settings import Settings
from tests import strategies
from tests.api.conftest import NOW, REPORT, Asker, Door, calls, eventually, limits, open_client
from tests.asking import import_records
from tests.wrapping import WrappedEngine

PROFILE = settings.get_profile(settings.get_current_profile_name())


class Counted(WrappedEngine):
    """An engine that knows how often it was asked."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.reports = 0

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        self.reports += 1
        return self.inside.answer(plan, stop)


@contextmanager
def counted(door: Door, asker: Asker, kept_bytes: int = 2**20) -> Iterator[tuple[Asker, Counted]]:
    """The asker before a fresh application, and the engine behind it."""
    engine = Counted(door.engine)
    with open_client(door.control, engine, kept_bytes=kept_bytes) as client:
        yield Asker(client, asker.business, asker.headers), engine


def tag_of(response: httpx2.Response) -> str:
    """The tag of an answer, which is weak, and the headers that go with it."""
    assert response.headers["cache-control"] == "private, no-cache"
    assert response.headers["vary"] == "Accept, Accept-Encoding, Authorization, Cookie, X-Calltally-Business"
    tag: str = response.headers["etag"]
    assert tag.startswith('W/"')
    return tag


# --- The same answer ------------------------------------------------------------------------------------------------


def test_a_question_is_worked_out_once_however_it_is_spelt(door: Door, few: Asker) -> None:
    spellings = (
        "group_by=source&metrics=count,qualified_pct&source=google&source=bing&status=completed&status=no-answer",
        "source=bing&status=missed&status=answered&metrics=count,%20qualified_pct,count&source=google&group_by=source",
        "limit=0100&group_by=+source&metrics=count,qualified_pct&source=bing&source=google&source=bing&status=Answered&status=No_Answer",
    )
    with counted(door, few) as (asker, engine):
        answers = [asker.get(spelling) for spelling in spellings * 2]
        assert len({(tag_of(answer), answer.content) for answer in answers}) == 1
        assert engine.reports == 1
        other = asker.get("group_by=source&metrics=qualified_pct,count")
        assert tag_of(other) != tag_of(answers[0])
        assert engine.reports == 2


def test_nothing_is_kept_where_the_cache_is_turned_off(door: Door, few: Asker) -> None:
    with counted(door, few, kept_bytes=0) as (asker, engine):
        answers = [asker.get() for _ in range(3)]
        assert len({(tag_of(answer), answer.content) for answer in answers}) == 1
        assert engine.reports == 3
        assert asker.get(**{"If-None-Match": tag_of(answers[0])}).status_code == 304
        assert engine.reports == 3


def test_keys_of_a_business_share_answers_and_others_do_not(door: Door) -> None:
    acme = door.business(calls({"source": "google"}))
    first, second = door.asker(acme), door.asker(acme, "report")
    other = door.asker(door.business(calls({"source": "google"})))
    with counted(door, first) as (asker, engine):
        answers = [asker.client.get(f"{REPORT}?group_by=source", headers=who.headers) for who in (first, second, other)]
        assert answers[0].content == answers[1].content == answers[2].content
        assert tag_of(answers[0]) == tag_of(answers[1]) != tag_of(answers[2])
        assert engine.reports == 2


def test_errors_are_not_kept(door: Door, few: Asker) -> None:
    class Failing(Counted):
        def answer(self, plan: Plan, stop: Stop) -> Rows:
            if self.reports == 0:
                self.reports += 1
                raise Unavailable("Not now")
            return super().answer(plan, stop)

    with open_client(door.control, Failing(door.engine)) as client:
        asker = Asker(client, few.business, few.headers)
        failed, answer = asker.get(), asker.get()
        assert (failed.status_code, answer.status_code) == (503, 200)
        assert "etag" not in failed.headers
        problem = asker.get("group_by=sorce", **{"If-None-Match": "*"})
        assert problem.status_code == 400
        assert "etag" not in problem.headers


# --- 304 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["{tag}", '"x", {tag}', "{strong}", "*"])
def test_who_has_the_answer_is_told_so_without_a_query(door: Door, few: Asker, given: str) -> None:
    tag = tag_of(few.get("group_by=status"))
    with counted(door, few) as (asker, engine):
        condition = given.format(tag=tag, strong=tag.removeprefix("W/"))
        response = asker.get("group_by=status", **{"If-None-Match": condition})
        assert (response.status_code, response.content) == (304, b"")
        assert tag_of(response) == tag
        assert "content-type" not in response.headers
        assert set(openapi()["paths"][REPORT]["get"]["responses"]["304"]["headers"]) <= {
            "ETag",
            "Cache-Control",
            "Vary",
            "X-Request-Id",
        }
        assert engine.reports == 0


def test_who_has_another_answer_gets_this_one(few: Asker) -> None:
    tag = tag_of(few.get("group_by=status"))
    assert few.get("group_by=source", **{"If-None-Match": f'{tag}, "x"'}).status_code == 200


def test_head_has_the_headers(few: Asker) -> None:
    url = f"{REPORT}?group_by=status"
    whole, head = few.get("group_by=status"), few.client.head(url, headers=few.headers)
    assert tag_of(head) == tag_of(whole)
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert few.client.head(url, headers={**few.headers, "If-None-Match": tag_of(head)}).status_code == 304


# --- What changes counts at once ------------------------------------------------------------------------------------


@settings(max_examples=PROFILE.max_examples // 2)
@given(
    files=st.lists(strategies.files_of_records(max_size=6), min_size=1, max_size=4),
    zones=st.lists(st.sampled_from(strategies.TIME_ZONES), min_size=1, max_size=4),
    asked=st.lists(strategies.requests(), min_size=1, max_size=4),
)
def test_every_answer_is_the_one_without_a_cache(
    door: Door,
    tmp_path: Path,
    files: list[list[dict[str, object]]],
    zones: list[str],
    asked: list[list[tuple[str, str]]],
) -> None:
    """Questions again and again, between imports and moves to another time zone; so too whether a tag still holds."""
    business = door.business()
    asker = door.asker(business)
    tags: dict[str, tuple[str, bytes]] = {}
    with open_client(door.control, door.engine, kept_bytes=0) as plain:
        for step, records in enumerate(files):
            zone = zones[step % len(zones)]
            import_records(door.engine, update_business(door.control, business.id, timezone=zone), records, tmp_path)
            for question in map(urlencode, asked * 2):
                expected = plain.get(f"{REPORT}?{question}", headers=asker.headers)
                answer = asker.get(question)
                assert (answer.status_code, answer.content) == (expected.status_code, expected.content)
                assert tag_of(answer) == tag_of(expected)
                tag, body = tags.get(question, ("", b""))
                again = asker.get(question, **{"If-None-Match": tag})
                assert again.status_code == (304 if tag == tag_of(answer) else 200)
                assert (body if again.status_code == 304 else again.content) == expected.content
                tags[question] = tag_of(answer), answer.content
    door.engine.remove(business.calls)


def test_a_write_that_commits_while_a_report_is_worked_out_is_in_the_next_one(door: Door) -> None:
    read, committed = threading.Event(), threading.Event()

    class Late(WrappedEngine):
        """Gives its rows only when a write has committed after they were read."""

        def answer(self, plan: Plan, stop: Stop) -> Rows:
            rows = self.inside.answer(plan, stop)
            read.set()
            assert committed.wait(30)
            return rows

    business = door.business(calls({"source": "google"}))
    asker = door.asker(business)
    with open_client(door.control, Late(door.engine)) as client, ThreadPoolExecutor(1) as threads:
        late = Asker(client, business, asker.headers)
        before = threads.submit(late.get, "group_by=source")
        assert read.wait(30)
        door.add(business, [{"id": "new", "started_at": "2026-03-09T12:00:00Z", "source": "google"}])
        committed.set()
        tag = tag_of(before.result())
        assert before.result().json()["data"]["totals"] == {"count": 1}
        after = late.get("group_by=source", **{"If-None-Match": tag})
        assert after.status_code == 200
        assert after.json()["data"]["totals"] == {"count": 2}


def test_a_revoked_key_is_refused_before_it_is_told_that_nothing_changed(door: Door) -> None:
    asker = door.asker(door.business(calls({})))
    tag = tag_of(asker.get())
    assert asker.get(**{"If-None-Match": tag}).status_code == 304
    [key] = list_keys(door.control, asker.business)
    revoke_key(door.control, key.id, NOW)
    assert asker.get(**{"If-None-Match": tag}).status_code == 401
    assert asker.get(**{"If-None-Match": "*"}).status_code == 401


def test_a_cleared_business_has_other_answers(door: Door) -> None:
    asker = door.asker(door.business(calls({})))
    tag = tag_of(asker.get())
    clear_business(door.control, asker.business.id)
    response = asker.get(**{"If-None-Match": tag})
    assert (response.status_code, response.json()["data"]["totals"]) == (200, {"count": 0})


def test_tags_outlive_the_process_but_not_the_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = DataFolder(tmp_path / "data")
    tags: list[str] = []
    with open_control(folder) as control:
        for release in ("1", "1", "2"):
            monkeypatch.setattr(sys.modules["calltally.query.fingerprint"], "__version__", release)
            engine = open_engine(folder, Settings(hot_memory="0", memory="500MB", threads=1))
            with open_client(control, engine) as client:
                door = Door(control, engine, client)
                if not tags:
                    asker = door.asker(door.business(calls({})))
                answer = client.get(f"{REPORT}?group_by=source", headers=asker.headers)
                assert answer.json()["data"]["totals"] == {"count": 1}
                tags.append(tag_of(answer))
            engine.close()
    assert tags[0] == tags[1] != tags[2]


# --- Compression ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(door: Door) -> Asker:
    """Somebody whose answers can be long."""
    return door.asker(door.business(calls(*[{"source": f"source number {n}"} for n in range(200)])))


@pytest.mark.parametrize("encoding", ["gzip", "br, gzip;q=0.5", "*"])
def test_long_answers_are_compressed_for_those_who_ask(many: Asker, encoding: str) -> None:
    plain = many.get(**{"Accept-Encoding": "identity"})
    for _ in range(2):
        packed = many.get(**{"Accept-Encoding": encoding})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.content == plain.content  # unpacked by the client
        assert int(packed.headers["content-length"]) < len(plain.content) / 5
        assert tag_of(packed) == tag_of(plain)
    both = {"Accept-Encoding": encoding, "If-None-Match": tag_of(plain)}
    assert many.get(**both).status_code == 304


@pytest.mark.parametrize("encoding", ["", "identity", "gzip;q=0", "gzip;q=0, *", "br"])
def test_others_get_plain_bytes(many: Asker, encoding: str) -> None:
    answer = many.get(**{"Accept-Encoding": encoding})
    assert "content-encoding" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_short_answers_are_not_compressed(many: Asker) -> None:
    assert "content-encoding" not in many.get("group_by=date", **{"Accept-Encoding": "gzip"}).headers


# --- Those who wait for nothing -------------------------------------------------------------------------------------


def test_kept_answers_do_not_wait(door: Door, few: Asker) -> None:
    """All threads are taken and the queue is full; what is known is answered all the same."""
    entered, opened = threading.Event(), threading.Event()

    class Held(WrappedEngine):
        def answer(self, plan: Plan, stop: Stop) -> Rows:
            if plan.limit < 100:
                entered.set()
                assert opened.wait(30)
            return self.inside.answer(plan, stop)

    workers = Workers(limits(1, 1), 30)
    with open_client(door.control, Held(door.engine), workers) as client, ThreadPoolExecutor(2) as threads:
        asker = Asker(client, few.business, few.headers)
        known = asker.get("group_by=source")
        try:
            held = [threads.submit(asker.get, f"group_by=source&limit={n + 1}") for n in range(2)]
            assert entered.wait(30)
            assert eventually(lambda: len(workers._jobs) == 2)
            assert asker.get("group_by=status").status_code == 503
            assert asker.get("group_by=source").content == known.content
            assert asker.get("group_by=status", **{"If-None-Match": "*"}).status_code == 304
        finally:
            opened.set()
        assert [answer.result().status_code for answer in held] == [200, 200]
