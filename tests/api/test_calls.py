"""Calls sent in over HTTP, and reading, changing and deleting one: in this process, over real databases."""

import codecs
import gzip
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import httpx2
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.accounts import Business
from calltally.api.packing import unpacked
from calltally.api.streaming import COMMITTED
from calltally.catalog import CATALOG
from calltally.engines import Engine, Outcome
from calltally.errors import StorageFull
from tests.api.conftest import Door, open_client
from tests.api.schemas import validate_response
from tests.api.test_errors import error_of
from tests.wrapping import WrappedEngine

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CALLS = "/api/v1/calls"
ONE = f"{CALLS}/{{id}}"
NDJSON = "application/x-ndjson"
START = "2026-03-09T12:00:00Z"
Answer = dict[str, Any]


@dataclass(frozen=True)
class Sender:
    """Somebody with a key of one business that may do everything with its calls."""

    door: Door
    business: Business
    headers: Mapping[str, str]

    def send(self, content: bytes, media_type: str = "application/json", **headers: str) -> httpx2.Response:
        """The response to a body."""
        sent = {**self.headers, "Content-Type": media_type, **headers}
        return self.door.client.post(CALLS, content=content, headers=sent)

    def post(self, value: object) -> Answer:
        """What is said of a body of JSON that is taken."""
        return self._taken(self.send(orjson.dumps(value)))

    def stream(self, *records: object) -> Answer:
        """What is said of a body of NDJSON that is taken."""
        return self._taken(self.send(b"\n".join(map(orjson.dumps, records)), NDJSON))

    def _taken(self, response: httpx2.Response) -> Answer:
        assert response.status_code == 200, response.text
        body: Answer = response.json()
        validate_response(CALLS, 200, body, "post")
        return body["data"]  # type: ignore[no-any-return]

    def request(self, method: str, call: str, value: object = None) -> httpx2.Response:
        """The response to a request about one call."""
        content = b"" if value is None else orjson.dumps(value)
        headers = {**self.headers, "Content-Type": "application/json"}
        return self.door.client.request(method, f"{CALLS}/{quote(call, safe='')}", content=content, headers=headers)

    def call(self, call: str) -> Answer:
        """A call that is there."""
        response = self.request("GET", call)
        assert response.status_code == 200, response.text
        validate_response(ONE, 200, response.json())
        return response.json()["data"]  # type: ignore[no-any-return]


def sender_of(door: Door, *scopes: str) -> Sender:
    business = door.business()
    return Sender(door, business, door.asker(business, *(scopes or ("admin",))).headers)


@pytest.fixture
def sender(door: Door) -> Sender:
    return sender_of(door)


def outcomes(answer: Answer) -> list[str]:
    return [result["outcome"] for result in answer["results"]]


def counts(answer: Answer) -> dict[str, int]:
    """How many came to which end, without those to which none did."""
    return {name: n for name, n in answer.items() if name not in {"results", "dropped_fields"} and n}


def record(call: str = "a", **fields: object) -> dict[str, object]:
    return {"id": call, "started_at": START, **fields}


# --- What becomes of records ----------------------------------------------------------------------------------------


def test_one_call(sender: Sender) -> None:
    answer = sender.post({**record(), "source": "google", "colour": "red", "to": "(305) 555-1234"})
    assert answer == {
        "added": 1,
        "updated": 0,
        "unchanged": 0,
        "held": 0,
        "rejected": 0,
        "dropped_fields": {"colour": 1},
        "results": [{"index": 0, "id": "a", "outcome": "added"}],
    }
    call = sender.call("a")
    assert list(call) == list(CATALOG.fields)
    assert (call["started_at"], call["source"], call["tracking_number"]) == (START, "google", "+13055551234")
    assert call["direction"] == "inbound"
    assert call["ai_score"] is None


def test_each_end_that_a_record_can_come_to(sender: Sender) -> None:
    sender.post([record("a", source="google"), record("b")])
    found = sender.post(
        [record("c"), record("a", source="bing"), record("b"), {"id": "d", "source": "x"}, record("e", ai_score=101)]
    )
    assert outcomes(found) == ["added", "updated", "unchanged", "held", "rejected"]
    assert [result["id"] for result in found["results"][:4]] == ["c", "a", "b", "d"]
    assert [result["index"] for result in found["results"]] == [0, 1, 2, 3, 4]
    rejected = found["results"][4]
    assert [error["param"] for error in rejected["errors"]] == ["ai_score"]
    assert rejected["record"] == record("e", ai_score=101)
    assert counts(found) == {"added": 1, "updated": 1, "unchanged": 1, "held": 1, "rejected": 1}


@pytest.mark.parametrize(
    "bad", [None, 7, "text", [], [{"id": "x"}], {"started_at": START}, {"id": ""}, {"id": "x" * 129}]
)
def test_one_bad_record_never_fails_its_neighbours(sender: Sender, bad: object) -> None:
    found = sender.post([record("before"), bad, record("after")])
    assert outcomes(found) == ["added", "rejected", "added"]
    assert found["results"][1]["record"] == bad
    [error] = found["results"][1]["errors"]
    assert error["message"].startswith(f"{error['param']}: ")
    assert error["param"] in {"id", "record"}
    assert sender.call("after")["id"] == "after"


def test_a_stream_lists_only_what_was_not_taken(sender: Sender) -> None:
    lines = [
        orjson.dumps(record("a", colour="red")),
        b"",
        b'{"id": "held", "source": "x"}\r',
        b"   ",
        b"nonsense",
        b"[1]",
        orjson.dumps(record("b", colour="red")),
        orjson.dumps(record("c", started_at="yesterday")),
    ]
    found = sender._taken(sender.send(b"\n".join(lines), NDJSON))
    assert counts(found) == {"added": 2, "held": 1, "rejected": 3}
    assert found["dropped_fields"] == {"colour": 2}
    listed = [(result["index"], result["id"], result["outcome"]) for result in found["results"]]
    assert [each[0] for each in listed] == [1, 2, 3, 5]
    assert listed[0] == (1, "held", "held")
    texts = [result["record"] for result in found["results"][1:]]
    assert texts == ["nonsense", "[1]", record("c", started_at="yesterday")]
    assert found["results"][1]["errors"][0]["message"].startswith("record: is not JSON: ")


def test_nothing_sent_is_nothing_done(sender: Sender) -> None:
    assert counts(sender.post([])) == counts(sender._taken(sender.send(b"\n\n", NDJSON))) == {}
    assert counts(sender._taken(sender.send(b"", NDJSON))) == {}


def test_a_long_rejected_record_is_cut(sender: Sender) -> None:
    long = record("a", ai_score=-1, note="ü" * 40_000)
    [whole, cut] = sender.post([record("b", ai_score=-1, note="x" * 65_000), long])["results"]
    assert whole["record"]["note"] == "x" * 65_000
    assert cut["cut"] is True
    assert cut["index"] == 1
    assert orjson.dumps(long).decode().startswith(cut["record"])
    assert 64 * 1024 - 4 < len(cut["record"].encode()) <= 64 * 1024


@pytest.mark.parametrize("media_type", ["application/json", NDJSON])
@pytest.mark.parametrize(("characters", "is_cut"), [(65_536, False), (65_537, True), (65_539, True), (100_000, True)])
@pytest.mark.parametrize("character", ["x", "ü", "😀"])
def test_a_long_record_that_cannot_be_read_is_cut(
    sender: Sender, media_type: str, characters: int, is_cut: bool, character: str
) -> None:
    bad = '{"id": "bad", "source": 1e400, "note": "'
    bad += character * ((characters - len(bad) - 2) // len(character.encode()))
    bad += "." * (characters - len(bad.encode()) - 2) + '"}'
    assert len(bad.encode()) == characters
    body = bad if media_type == NDJSON else f"[{bad}]"
    [rejected] = sender._taken(sender.send(body.encode(), media_type))["results"]
    assert rejected.get("cut", False) is is_cut
    assert (bad == rejected["record"]) is not is_cut
    assert bad.startswith(rejected["record"])


def test_names_of_dropped_fields_are_bounded(sender: Sender) -> None:
    found = sender.post([record(str(n), **{f"{n}-{m}-" + "x" * 200: 1 for m in range(30)}) for n in range(40)])
    assert len(found["dropped_fields"]) == 1001
    assert found["dropped_fields"]["..."] == 200
    assert max(map(len, found["dropped_fields"])) == 128


def test_the_documented_call_is_answered_as_documented(sender: Sender) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "writing.md").read_text()
    body, shown = page.partition("-d '")[2].partition("'")[0], page.partition("```json")[2].partition("```")[0]
    assert sender.post(orjson.loads(body)) == orjson.loads(shown)["data"]


# --- Versions -------------------------------------------------------------------------------------------------------


def test_what_comes_later_wins_and_null_clears(sender: Sender) -> None:
    sender.post(record(source="first", ai_score=5))
    sender.post([record(source="second"), record(source="third")])
    assert sender.call("a")["source"] == "third"
    assert outcomes(sender.post(record(source=None))) == ["updated"]
    assert (sender.call("a")["source"], sender.call("a")["ai_score"]) == (None, 5)
    assert outcomes(sender.stream({"id": "a", "ai_score": None})) == []
    assert sender.call("a")["ai_score"] is None


def test_held_updates_are_applied_when_the_call_comes(sender: Sender) -> None:
    assert outcomes(sender.post({"id": "a", "ai_score": 80})) == ["held"]
    assert sender.request("GET", "a").status_code == 404
    assert outcomes(sender.post(record(source="google"))) == ["added"]
    call = sender.call("a")
    assert (call["ai_score"], call["source"]) == (80, "google")


VERSIONED = [
    {"id": "a", "started_at": START, "updated_at": "2026-03-09T12:10:00Z", "source": "google", "ai_score": 1},
    {"id": "a", "updated_at": "2026-03-09T12:20:00Z", "ai_score": 2, "qualified": True},
    {"id": "a", "updated_at": "2026-03-09T12:20:00Z", "ai_score": None, "qualified": False},
    {"id": "a", "updated_at": "2026-03-09T12:30:00Z", "source": None, "direction": "outbound"},
]


@settings(max_examples=15)
@given(
    order=st.sampled_from(list(permutations(range(len(VERSIONED))))),
    repeated=st.lists(st.integers(0, len(VERSIONED) - 1), max_size=4),
    together=st.sampled_from(("one by one", "array", "stream")),
)
def test_versioned_deliveries_end_alike_in_any_order(
    door: Door, order: Sequence[int], repeated: Sequence[int], together: str
) -> None:
    sender = sender_of(door)
    sent = [VERSIONED[n] for n in (*order, *repeated)]
    if together == "one by one":
        for each in sent:
            sender.post(each)
    elif together == "array":
        sender.post(sent)
    else:
        sender.stream(*sent)
    call = sender.call("a")
    assert (call["source"], call["ai_score"], call["qualified"], call["direction"]) == (None, 2, True, "outbound")


# --- Forms of bodies ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON ; charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_json_however_it_is_called(sender: Sender, media_type: str) -> None:
    assert sender.send(orjson.dumps(record()), media_type).status_code == 200


@pytest.mark.parametrize(
    "media_type", ["text/csv", "", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "json"]
)
def test_other_forms_are_refused(sender: Sender, media_type: str) -> None:
    error = error_of(sender.send(b"{}", media_type), 415, "unsupported_media_type")
    given = f"'{media_type}' is not taken" if media_type else "is missing"
    assert error["message"] == f"Content-Type: {given}; send application/json or application/x-ndjson, in UTF-8"


@pytest.mark.parametrize("media_type", ["application/json", NDJSON])
def test_other_codings_are_refused(sender: Sender, media_type: str) -> None:
    response = sender.send(b"{}", media_type, **{"Content-Encoding": "br"})
    assert error_of(response, 415, "unsupported_media_type")["message"] == (
        "Content-Encoding: 'br' is not one of gzip, zstd"
    )


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "zstd": zstd.compress,
    "identity": bytes,
}


@pytest.mark.parametrize("coding", PACKERS)
@pytest.mark.parametrize("media_type", ["application/json", NDJSON])
def test_packed_bodies(sender: Sender, coding: str, media_type: str) -> None:
    records = [record(str(n), source=f"source-{n}") for n in range(3000)]
    text = orjson.dumps(records) if media_type != NDJSON else b"".join(orjson.dumps(r) + b"\n" for r in records)
    middle = len(text) // 2
    packed = PACKERS[coding](text[:middle]) + PACKERS[coding](text[middle:])  # two members, which are one content
    found = sender._taken(sender.send(packed, media_type, **{"Content-Encoding": coding}))
    assert counts(found) == {"added": 3000}


@given(
    contents=st.lists(st.binary(max_size=50) | st.integers(0, 300_000).map(lambda size: b"x" * size), max_size=5),
    coding=st.sampled_from(["gzip", "zstd"]),
    size=st.sampled_from([1, 10, 1000, 2000, 300_000]),
)
def test_wherever_a_packed_body_is_cut_on_its_way_its_content_is_the_same(
    contents: list[bytes], coding: str, size: int
) -> None:
    packed = b"".join(map(PACKERS[coding], contents))
    unpacking = unpacked(coding)
    found: list[bytes] = []
    for at in range(0, len(packed), size):
        unpacking.feed(packed[at : at + size])
        found += iter(unpacking.read, b"")
    unpacking.finish()
    assert b"".join(found) == b"".join(contents)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("media_type", ["application/json", NDJSON])
def test_a_body_in_very_many_small_parts_is_refused(sender: Sender, coding: str, media_type: str) -> None:
    packed = PACKERS[coding](b"") * 2**20
    error = error_of(sender.send(packed, media_type, **{"Content-Encoding": coding}), 400, "invalid_body")
    said = f"body: it is packed with {coding} in parts of less than 100 bytes; pack larger ones"
    assert error["message"] == said


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("media_type", ["application/json", NDJSON])
@pytest.mark.parametrize("harm", ["cut", "broken", "plain"])
def test_damaged_packed_bodies(sender: Sender, coding: str, media_type: str, harm: str) -> None:
    packed = PACKERS[coding](orjson.dumps(record("a", note=list(range(5000)))))
    harmed = {"cut": packed[:-9], "broken": packed[:40] + b"\xff" * 40 + packed[80:], "plain": b'{"id": "a"}'}[harm]
    response = sender.send(harmed, media_type, **{"Content-Encoding": coding})
    error = error_of(response, 400, "invalid_body")
    assert error["param"] == "body"
    assert sender.request("GET", "a").status_code == 404


def test_where_a_body_is_not_utf_8_is_said(sender: Sender) -> None:
    error = error_of(sender.send(b'[{"id": "caf\xe9"}]'), 400, "invalid_body")
    assert error["message"] == "body: is not UTF-8 (byte 13: e9)"


@pytest.mark.parametrize(
    "body", [b"", b"7", b'"x"', b"null", b"{", b"[{}", b'{"id": "\xff"}', b"[1]" * 2, b"\xef\xbb\xbf{}"]
)
def test_what_is_no_list_of_records(sender: Sender, body: bytes) -> None:
    error = error_of(sender.send(body), 400, "invalid_body")
    assert error["param"] == "body"
    assert error["message"].startswith("body: is n")


@settings(max_examples=60)
@given(
    body=st.binary(max_size=200)
    | st.text(max_size=100).map(str.encode)
    | st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**70), 2**70)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from([*CATALOG.fields, "x", ""]), inner, max_size=5)
        ),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode()),
    media_type=st.sampled_from(["application/json", NDJSON]),
)
def test_any_body_is_answered_in_one_of_the_forms(door: Door, body: bytes, media_type: str) -> None:
    response = sender_of(door, "write").send(body, media_type)
    validate_response(CALLS, response.status_code, response.json(), "post")
    assert response.status_code in (200, 400)


@pytest.mark.parametrize("levels", [98, 99, 100, 250, 300, 990])
@pytest.mark.parametrize("media_type", ["application/json", NDJSON])
@pytest.mark.parametrize("nested", ['{"a":@}', "[@]"])
def test_a_record_with_values_inside_one_another_fails_by_itself(
    sender: Sender, levels: int, media_type: str, nested: str
) -> None:
    before, after = nested.split("@")
    value = before * levels + "1" + after * levels
    good, bad = (
        orjson.dumps(record("good")),
        f'{{"id":"bad","started_at":"2026-03-09T12:00:00Z","source":{value}}}'.encode(),
    )
    body = b"[" + good + b"," + bad + b"]" if media_type != NDJSON else good + b"\n" + bad + b"\n"
    found = sender._taken(sender.send(body, media_type))
    assert counts(found) == {"added": 1, "rejected": 1}
    [rejected] = [result for result in found["results"] if result["outcome"] == "rejected"]
    assert rejected["errors"][0]["param"] == "source"
    assert rejected["errors"][0]["message"].endswith(" is not text")
    assert rejected.get("cut", False) == (levels > 99)
    assert sender._taken(sender.send(bad))["rejected"] == 1


@pytest.mark.parametrize("value", ["true", '["ü", null]', '{"a": false}', "[1.5]"])
def test_what_is_no_text_is_told_as_it_was_sent(sender: Sender, value: str) -> None:
    found = sender._taken(sender.send(f'{{"id":"a","started_at":"2026-03-09T12:00:00Z","source":{value}}}'.encode()))
    assert found["results"][0]["errors"] == [{"param": "source", "message": f"source: '{value}' is not text"}]


@pytest.mark.parametrize("value", ["1e400", '"\\ud800"', "9" * 401 + ".5", "-1e999"])
@pytest.mark.parametrize("field", ["ai_score", "source", "unknown"])
def test_a_value_that_cannot_be_read_rejects_its_record_alone(sender: Sender, field: str, value: str) -> None:
    good = orjson.dumps(record("good")).decode()
    bad = f'{{"id": "bad", "started_at": "2026-03-09T12:00:00Z", "{field}": {value}}}'
    found = sender._taken(sender.send(f"[{good}, {bad}, 7]".encode()))
    assert counts(found) == {"added": 1, "rejected": 2}
    assert found["results"][1]["record"] == bad
    assert found["results"][1]["errors"][0]["message"].startswith("record: is not JSON: ")


@pytest.mark.parametrize("value", ["1e400", '"\\ud800"'])
def test_what_is_within_such_a_record_is_no_record(sender: Sender, value: str) -> None:
    within = [record("within"), record("within too")]
    bad = f'{{"legs": {json.dumps(within, indent=0)},\n"id": "bad",\n"source": {value}}}'
    body = f"[\n{bad},\n{json.dumps(record('good'), indent=0)}\n]"
    found = sender._taken(sender.send(body.encode()))
    assert counts(found) == {"added": 1, "rejected": 1}
    assert found["results"][0]["record"] == bad
    assert found["results"][1] == {"index": 1, "id": "good", "outcome": "added"}


def test_a_long_record_is_taken_beside_a_value_that_cannot_be_read(sender: Sender) -> None:
    long = orjson.dumps({**record("long"), "transcription": "x" * 1_100_000}).decode()
    found = sender._taken(sender.send(f'[{long}, {{"id": "bad", "source": 1e400}}]'.encode()))
    assert counts(found) == {"added": 1, "rejected": 1}


def test_a_number_of_very_many_digits_is_taken_beside_a_value_that_cannot_be_read(sender: Sender) -> None:
    many = orjson.dumps(record("many")).decode().removesuffix("}") + f', "ticket": {"9" * 5000}}}'
    found = sender._taken(sender.send(f'[{many}, {{"id": "bad", "source": 1e400}}]'.encode()))
    assert counts(found) == {"added": 1, "rejected": 1}


@pytest.mark.parametrize("depth", [1_100, 30_000])
@pytest.mark.parametrize("gap", ["", "\n"])
@pytest.mark.parametrize("beside", ["", ' "source": 1e400,'])
def test_a_record_that_is_nested_too_deep_rejects_no_other(sender: Sender, depth: int, gap: str, beside: str) -> None:
    call = '{{"id": "{}", "started_at": "2026-03-09T14:05:00Z"}}'
    deep = f'{{{gap}"id": "deep",{beside} "legs": [{gap}{call.format("inner")},{gap}{"[" * depth}{"]" * depth}]}}'
    found = sender._taken(sender.send(f"[{gap}{call.format('a')},{gap}{deep},{gap}{call.format('b')}]".encode()))
    assert [(each["index"], each["id"], each["outcome"]) for each in found["results"]] == [
        (0, "a", "added"),
        (1, None, "rejected"),
        (2, "b", "added"),
    ]
    assert "depth limit" in found["results"][1]["errors"][0]["message"] or beside


@pytest.mark.parametrize("end", ["", "]]", ", {}, x]", "] {}"])
def test_what_is_nested_too_deep_is_no_array_if_it_is_malformed(sender: Sender, end: str) -> None:
    error_of(sender.send(f"[{'[' * 2000}{']' * 2000}{end}".encode()), 400, "invalid_body")


@pytest.mark.parametrize("body", ["[NaN]", "[{}, Infinity]", "[1e400", "[1e400]]", '["\\ud800" 1]'])
def test_what_is_no_json_is_no_list_of_records(sender: Sender, body: str) -> None:
    error_of(sender.send(body.encode()), 400, "invalid_body")


@pytest.mark.parametrize("media_type", ["application/json", NDJSON])
def test_a_whole_number_is_taken_as_its_digits_however_many_they_are(sender: Sender, media_type: str) -> None:
    ids = ["123456789012345678901234567890", "18446744073709551616", "18446744073709551615", "9007199254740992.0"]
    records = [f'{{"id":{each},"started_at":"2026-03-09T12:00:00Z"}}' for each in ids]
    records.append('{"id":1e20,"started_at":"2026-03-09T12:00:00Z"}')
    records.append('{"id":"dear","started_at":"2026-03-09T12:00:00Z","value_cents":123456789012345678901234567890}')
    body = "\n".join(records) if media_type == NDJSON else f"[{','.join(records)}]"
    found = sender._taken(sender.send(body.encode(), media_type))
    assert counts(found) == {"added": 4, "rejected": 2}
    *_, rounded, dear = found["results"]
    assert (
        "is a number of too many digits to be kept as it was given; send it as text" in rounded["errors"][0]["message"]
    )
    assert "'123456789012345678901234567890' is not from" in dear["errors"][0]["message"]
    assert "123456789012345678901234567890" in dear["record"]["value_cents"]
    for each in ids:
        whole = each.removesuffix(".0")
        assert sender.call(whole)["id"] == whole


# --- Caps -----------------------------------------------------------------------------------------------------------


def test_a_body_that_is_too_large(sender: Sender) -> None:
    body = b"[" + b" " * 32_000_000 + b"]"
    error = error_of(sender.send(body), 413, "too_large")
    assert error["message"] == "The body has more than 32,000,000 bytes, the most that is taken at once"


def test_an_array_that_is_too_long(sender: Sender) -> None:
    assert counts(sender.post([{}] * 10_000)) == {"rejected": 10_000}
    error = error_of(sender.send(orjson.dumps([{}] * 10_001)), 413, "too_large")
    assert "10,001 records, of which 10,000" in error["message"]
    error = error_of(sender.send(b"[" + b"1e400," * 10_000 + b"{}]"), 413, "too_large")
    assert "10,001 records, of which 10,000" in error["message"]
    assert NDJSON in error["message"]


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("media_type", ["application/json", NDJSON])
def test_bombs(sender: Sender, coding: str, media_type: str) -> None:
    bomb = PACKERS[coding](b"\n" * 50_000_000)
    error = error_of(sender.send(bomb, media_type, **{"Content-Encoding": coding}), 413, "too_large")
    assert error["message"] == "The body becomes more than 200 times as large when it is unpacked"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_body_that_is_too_large_once_unpacked(sender: Sender, coding: str) -> None:
    noise = b"".join(b"%d," % (n * 2654435761 % 2**32) for n in range(4_000_000))
    packed = PACKERS[coding](b"[" + noise + b"0]")
    assert len(packed) < 32_000_000
    error = error_of(sender.send(packed, **{"Content-Encoding": coding}), 413, "too_large")
    assert "32,000,000 bytes" in error["message"]


def test_zstd_that_wants_much_memory_is_refused(sender: Sender) -> None:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.content_size_flag: 0}
    packer = zstd.ZstdCompressor(options=options)
    body = packer.compress(orjson.dumps(record())) + packer.flush()
    error = error_of(sender.send(body, **{"Content-Encoding": "zstd"}), 400, "invalid_body")
    assert "its window is over 8 MB" in error["message"]


@pytest.mark.parametrize("coding", [None, "gzip"])
def test_a_mark_before_the_first_line_is_none_of_it(sender: Sender, coding: str | None) -> None:
    body = codecs.BOM_UTF8 + orjson.dumps(record("a")) + b"\n" + codecs.BOM_UTF8 + orjson.dumps(record("b"))
    headers = {"Content-Encoding": coding} if coding else {}
    response = sender.send(PACKERS[coding](body) if coding else body, NDJSON, **headers)
    assert counts(response.json()["data"]) == {"added": 1, "rejected": 1}


def test_a_line_that_is_too_long(sender: Sender) -> None:
    whole = orjson.dumps(record("long", note="x" * 999_900))
    assert counts(sender._taken(sender.send(whole, NDJSON))) == {"added": 1}
    lines = [orjson.dumps(record("before")), orjson.dumps(record("longer", note="x" * 1_000_000)), whole]
    error = error_of(sender.send(b"\n".join(lines), NDJSON), 413, "too_large")
    assert "index 1 has a line of more than 1,000,000 bytes" in error["message"]
    assert sender.call("before")["id"] == "before"
    assert sender.request("GET", "longer").status_code == 404


def test_a_stream_of_many_results_is_told_whole(sender: Sender) -> None:
    count = 30_000
    body = b"\n".join(b'{"id": "%d", "ai_score": "none"}' % n for n in range(count))
    found = sender._taken(sender.send(body, NDJSON))
    assert counts(found) == {"rejected": count}
    assert [result["index"] for result in found["results"]] == list(range(count))


class FullOnce(WrappedEngine):
    """An engine that finds no room for the second that it is to put in, and takes its time to find that."""

    def __init__(self, inside: Engine) -> None:
        super().__init__(inside)
        self.turns = 0

    def apply(self, calls: str, deliveries: pa.RecordBatch) -> Sequence[Outcome]:
        self.turns += 1
        if self.turns == 2:
            time.sleep(0.5)  # by then there is more to put in
            raise StorageFull("full")
        return super().apply(calls, deliveries)


def test_of_a_stream_nothing_is_taken_after_what_could_not_be(door: Door) -> None:
    once = FullOnce(door.engine)
    with open_client(door.control, cast("Engine", once)) as client:
        sender = sender_of(Door(door.control, door.engine, client))
        body = b"\n".join(orjson.dumps(record(f"c{n}")) for n in range(4 * COMMITTED))
        error_of(sender.send(body, NDJSON), 507, "storage_full")
        assert once.turns == 2
        assert door.asker(sender.business).report("group_by=month")["totals"]["count"] == COMMITTED
        sender._taken(sender.send(body, NDJSON))
        assert door.asker(sender.business).report("group_by=month")["totals"]["count"] == 4 * COMMITTED


# --- One call -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call", ["a/b", "a b", "ü🚀", "%2F", "a?b#c", "line\nbreak", "a;b&c=d", "a//b", "..x", "'\"<", "\\"]
)
def test_any_id_can_be_addressed(sender: Sender, call: str) -> None:
    sender.post(record(call))
    assert sender.call(call)["id"] == call
    assert sender.request("PATCH", call, {"source": "x"}).json()["data"]["outcome"] == "updated"
    assert sender.call(call)["source"] == "x"
    assert sender.request("DELETE", call).status_code == 204
    assert sender.request("GET", call).status_code == 404


def test_the_id_is_what_comes_after_the_first_three_steps_however_they_are_written(sender: Sender) -> None:
    sender.post([record("b"), record("a/calls/b")])
    answer = sender.door.client.get("/api/v1/%63alls/a/calls/b", headers=sender.headers)
    assert answer.json()["data"]["id"] == "a/calls/b"
    answer = sender.door.client.get("/api/v1%2Fcalls/b", headers=sender.headers)
    assert answer.json()["data"]["id"] == "b"


def test_the_id_of_a_change_is_read_as_that_of_any_record(sender: Sender) -> None:
    sender.post(record("5"))
    assert sender.request("PATCH", "5", {"id": 5, "source": "x"}).json()["data"]["outcome"] == "updated"
    assert sender.request("PATCH", "5", {"id": " 5 ", "source": "y"}).json()["data"]["outcome"] == "updated"
    for other in (6, "05", True, None, ["5"]):
        error = error_of(sender.request("PATCH", "5", {"id": other, "source": "z"}), 400, "invalid_body")
        assert error["message"].endswith("is not the id in the address, and an id cannot change")
    assert sender.call("5")["source"] == "y"


def test_a_call_that_is_not_there(sender: Sender) -> None:
    for method in ("GET", "DELETE", "PATCH"):
        error = error_of(sender.request(method, "nobody", {}), 404, "not_found")
        assert error["message"] == "There is no call 'nobody'"


def test_calls_of_another_business_are_not_there(door: Door, sender: Sender) -> None:
    sender.post(record())
    other = sender_of(door)
    assert other.request("GET", "a").status_code == 404
    assert other.request("PATCH", "a", {"source": "x"}).status_code == 404
    assert other.request("DELETE", "a").status_code == 404
    assert sender.call("a")["source"] is None


def test_changing_a_call(sender: Sender) -> None:
    sender.post(record(source="google", ai_score=5))
    response = sender.request("PATCH", "a", {"id": "a", "source": None, "ai_score": 7, "colour": "red"})
    assert response.json() == {"data": {"id": "a", "outcome": "updated", "dropped_fields": {"colour": 1}}}
    validate_response(ONE, 200, response.json(), "patch")
    assert (sender.call("a")["source"], sender.call("a")["ai_score"]) == (None, 7)
    again = sender.request("PATCH", "a", {"call_id": "a", "ai_score": 7}).json()
    assert again == {"data": {"id": "a", "outcome": "unchanged", "dropped_fields": {}}}


def test_changing_a_call_that_is_deleted_meanwhile(door: Door, sender: Sender) -> None:
    class Deleting(WrappedEngine):
        """Deletes a call as soon as somebody has seen it."""

        def call(self, calls: str, call_id: str) -> pa.RecordBatch | None:
            found = self.inside.call(calls, call_id)
            self.inside.delete(calls, call_id)
            return found

    sender.post(record())
    with open_client(door.control, Deleting(door.engine)) as client:
        response = client.patch(f"{CALLS}/a", json={"ai_score": 7}, headers=sender.headers)
    assert error_of(response, 404, "not_found")["message"] == "There is no call 'a'"


@pytest.mark.parametrize(
    ("changes", "params"),
    [
        ({"ai_score": 101, "duration": "x"}, ["duration_seconds", "ai_score"]),
        ({"id": "b"}, ["id"]),
        ({"id": "b", "ai_score": 101, "source": "\0"}, ["id", "source", "ai_score"]),
        ({"uuid": "b", "id": "c"}, ["id", "id"]),
        ([], ["body"]),
        (7, ["body"]),
    ],
)
def test_changes_that_do_not_hold(sender: Sender, changes: object, params: list[str]) -> None:
    sender.post(record(source="google"))
    error = error_of(sender.request("PATCH", "a", changes), 400, "invalid_body")
    assert [problem["param"] for problem in error["details"]] == params
    assert sender.call("a")["source"] == "google"


def test_a_deleted_call_stays_deleted(sender: Sender) -> None:
    sender.post(record())
    assert sender.request("DELETE", "a").content == b""
    sender.post(record(source="x"))
    assert sender.request("GET", "a").status_code == 404
    assert sender.request("DELETE", "a").status_code == 404


def test_what_is_held_for_a_call_can_be_deleted_and_the_call_cannot_come_then(sender: Sender) -> None:
    assert outcomes(sender.post({"id": "a", "ai_score": 80})) == ["held"]
    assert sender.request("GET", "a").status_code == 404
    assert sender.request("PATCH", "a", {"ai_score": 81}).status_code == 404
    assert sender.request("DELETE", "a").status_code == 204
    assert outcomes(sender.post(record())) == ["unchanged"]
    for method in ("GET", "DELETE"):
        assert sender.request(method, "a").status_code == 404


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(b"[]", "application/json"), (b" [ ]\n", "application/json"), (b"", NDJSON), (b"\n \n", NDJSON)],
)
def test_a_body_of_no_records_is_taken_and_counts_none(sender: Sender, body: bytes, media_type: str) -> None:
    response = sender.send(body, media_type)
    assert response.status_code == 200
    assert counts(response.json()["data"]) == {}


def test_erasing_a_caller(sender: Sender) -> None:
    sender.post([record(str(n), caller_number="(305) 555-1234") for n in range(3)] + [record("other")])
    response = sender.door.client.delete(f"{CALLS}?caller_number=%2B13055551234", headers=sender.headers)
    assert response.json() == {"data": {"erased": 3}}
    assert sender.call("0")["caller_number"] is None
    assert outcomes(sender.post(record("late", caller_number="+13055551234"))) == ["added"]
    assert sender.call("late")["caller_number"] is None
    validate_response(CALLS, 200, response.json(), "delete")


@pytest.mark.parametrize(
    ("query", "messages"),
    [
        ("", ["caller_number: is required"]),
        ("caller_number=", ["caller_number: must not be empty"]),
        ("caller_number=1&caller_number=2&caller_number=3", ["caller_number: was given 3 times; give it once"]),
        ("caller_number=%ff", ["caller_number: '\ufffd' is not valid UTF-8 text without NUL characters"]),
        (
            "caller_numbr=1&source=x",
            [
                "caller_number: is required",
                "caller_numbr: there is no such parameter; did you mean 'caller_number'?",
                "source: there is no such parameter",
            ],
        ),
    ],
)
def test_erasing_takes_exactly_one_parameter(sender: Sender, query: str, messages: list[str]) -> None:
    response = sender.door.client.delete(f"{CALLS}?{query}", headers=sender.headers)
    error = error_of(response, 400, "invalid_parameter")
    assert [problem["message"] for problem in error["details"]] == messages


# --- Who may, and how -----------------------------------------------------------------------------------------------

REQUESTS = {
    "write_calls": ("POST", CALLS),
    "read_calls": ("GET", f"{CALLS}/a"),
    "change": ("PATCH", f"{CALLS}/a"),
    "delete_call": ("DELETE", f"{CALLS}/a"),
    "erase_caller": ("DELETE", f"{CALLS}?caller_number=1"),
}


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [("report", set()), ("read", {"read_calls"}), ("write", {"write_calls", "change"}), ("admin", set(REQUESTS))],
)
def test_what_each_scope_may(door: Door, scope: str, allowed: set[str]) -> None:
    headers = {**sender_of(door, scope).headers, "Content-Type": "application/json"}
    for name, (method, path) in REQUESTS.items():
        response = door.client.request(method, path, content=b"[]", headers=headers)
        assert (response.status_code != 403) == (name in allowed), name
        assert response.status_code != 401
    for method, path in REQUESTS.values():
        error_of(door.client.request(method, path), 401, "unauthorized")


def test_refused_methods_are_told_all_that_are_taken(door: Door) -> None:
    response = door.client.put(CALLS)
    error_of(response, 405, "method_not_allowed")
    assert {"DELETE", "POST"} <= set(response.headers["allow"].split(", "))
    response = door.client.post(f"{CALLS}/a")
    error_of(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "DELETE, GET, HEAD, PATCH"


def test_head_is_answered_as_get_is(sender: Sender) -> None:
    sender.post(record())
    whole, head = (sender.request(method, "a") for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert sender.request("HEAD", "b").status_code == 404
