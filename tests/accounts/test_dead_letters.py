"""Dead letters as they are kept, and how a caller's number is taken out of them."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.accounts import (
    Business,
    Control,
    Credential,
    Webhook,
    create_webhook,
    find_dead_letter,
    first_arrival,
    keep_dead_letter,
    list_dead_letters,
    read_dead_letter,
    redact_dead_letters,
    remove_dead_letter,
)
from calltally.accounts.spelling import without_number
from calltally.errors import NotFound
from calltally.folder import DataFolder
from tests.accounts.conftest import NOW, new_business

CALLER = "+13055551234"
WITHOUT = partial(without_number, number=CALLER)
SPELLINGS = (
    "+13055551234",
    "13055551234",
    "3055551234",
    "(305) 555-1234",
    "+1 (305) 555-1234",
    "1-305-555-1234",
    "305.555.1234",
    "305/555 1234",
    "011 1 305 555 1234",
    "001-305-555-1234",
    "305\u00a0555\u20111234",
    "3 0 5 5 5 5 1 2 3 4",
    "305 - 555 - 1234",
)


@pytest.fixture
def webhook(control: Control, business: Business) -> Webhook:
    return create_webhook(control, business, kind="callscaler", name=None, credential=Credential(), now=NOW)


def test_a_body_is_kept_whole_and_once(control: Control, webhook: Webhook) -> None:
    body = bytes(range(256)) * 4000
    keep_dead_letter(control, webhook, body, "no\x00 JSON", NOW)
    keep_dead_letter(control, webhook, body, "still no JSON", NOW + timedelta(days=1))
    [letter] = list_dead_letters(control)
    assert (letter.kind, letter.reason, letter.arrived_at, letter.size) == (
        "callscaler",
        "still no JSON",
        NOW,
        1_024_000,
    )
    assert read_dead_letter(control, letter.id) == body
    assert find_dead_letter(control, letter.id) == letter
    remove_dead_letter(control, letter.id)
    assert list_dead_letters(control) == ()
    for missing in (lambda: find_dead_letter(control, letter.id), lambda: read_dead_letter(control, letter.id)):
        with pytest.raises(NotFound, match="'calltally dead-letters list' shows the ids"):
            missing()


def test_a_number_is_taken_out_of_those_that_have_it(
    control: Control, business: Business, webhook: Webhook, folder: DataFolder
) -> None:
    other = new_business(control, "Other")
    theirs = create_webhook(control, other, kind="twilio", name=None, credential=Credential(), now=NOW)
    keep_dead_letter(control, theirs, b"From=%2B13055551234", "theirs", NOW)
    keep_dead_letter(control, webhook, b'{"from":"(305) 555-1234","id":1', "broken: '(305) 555-1234' is not", NOW)
    keep_dead_letter(control, webhook, b'{"from":"(305) 555-9999"', "another", NOW)
    assert redact_dead_letters(control, business, WITHOUT) == 1
    assert redact_dead_letters(control, business, WITHOUT) == 0
    bodies = {read_dead_letter(control, letter.id): letter.reason for letter in list_dead_letters(control, business)}
    assert bodies == {b'{"from":"","id":1': "broken: '' is not", b'{"from":"(305) 555-9999"': "another"}
    assert redact_dead_letters(control, other, WITHOUT) == 1
    for path in folder.path.glob("control.sqlite*"):
        assert b"555-1234" not in path.read_bytes()


def test_nothing_that_is_made_of_a_number_stays(
    control: Control, business: Business, webhook: Webhook, folder: DataFolder
) -> None:
    body = b'{"from":"(305) 555-1234"'
    first_arrival(control, webhook, body, NOW)
    first_arrival(control, webhook, b"another", NOW)
    keep_dead_letter(control, webhook, body, "broken", NOW)
    [before] = list_dead_letters(control)
    assert redact_dead_letters(control, business, WITHOUT) == 1
    [after] = list_dead_letters(control)
    assert after.id != before.id
    assert replace(after, id=before.id, size=before.size) == before
    for path in folder.path.glob("control.sqlite*"):
        content = path.read_bytes()
        assert before.id.encode() not in content
        assert hashlib.sha256(body).hexdigest().encode() not in content
    assert first_arrival(control, webhook, b"another", NOW + timedelta(days=1)) == NOW


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("around", ["{}", "call {} now", "tel:{}", "https://x.example/?p={}&q=1", "a\n{}\tb"])
def test_every_spelling_in_every_form(spelling: str, around: str) -> None:
    for written in (spelling, quote(spelling), quote_plus(spelling), quote(quote(spelling))):
        text = around.format(written)
        record = {"from": text, "id": "c-1", "duration": 60}
        for body in (json.dumps(record), json.dumps(record, ensure_ascii=False)):
            left = without_number(body.encode(), CALLER)
            assert "1234" not in left.decode()
            assert {**record, "from": json.loads(left)["from"]} == json.loads(left)
        form = without_number(urlencode({"From": text, "CallSid": "c-1"}).encode(), CALLER).decode()
        assert "1234" not in form
        assert [(name, value) for name, value in parse_qsl(form, keep_blank_values=True) if name != "From"] == [
            ("CallSid", "c-1")
        ]


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b'{"from": 3055551234}', b'{"from": null}'),
        (b'{"from":13055551234.0,"a":[3055551234,3055551234 ]}', b'{"from":null,"a":[null,null ]}'),
        (b"3055551234", b"null"),
        (b'{"from":13055551234567}', b'{"from":13055551234567}'),
        (b'{"n":130555512345,"m":93055551234}', b'{"n":130555512345,"m":93055551234}'),
        (b'{"x":3055551234e0}', b'{"x":3055551234e0}'),
        (b'{"x":3055551234.5}', b'{"x":3055551234.5}'),
    ],
)
def test_numbers_of_json(body: bytes, left: bytes) -> None:
    assert without_number(body, CALLER) == left
    json.loads(left)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("+447911123456", "07911 123456"),
        ("+447911123456", "+44 (0)7911 123456"),
        ("+4930123456", "0049 30 / 123456"),
        ("+390236618300", "+39 02 3661 8300"),
        ("C00001", "C00001"),
        ("sip:müller@x.example", "sip:müller@x.example"),
    ],
)
def test_other_countries_and_what_is_no_number(number: str, written: str) -> None:
    for text in (written, quote(written), json.dumps(written)[1:-1]):
        assert without_number(f"a={text}&b=C000011".encode(), number) == b"a=&b=C000011"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from([*SPELLINGS, 3055551234, 13055551234, 3055551234.0, -3055551234, 3055551234.25]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(SPELLINGS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_what_could_be_parsed_can_be_still(value: object, ascii_only: bool, indent: int | None) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode(errors="surrogatepass")
    json.loads(without_number(body, CALLER).decode(errors="surrogatepass"))


@given(st.binary(max_size=300))
def test_any_bytes_will_do(body: bytes) -> None:
    assert without_number(body, "+15005550006") == body
