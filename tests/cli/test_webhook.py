"""`calltally webhook` and `calltally dead-letters`, by themselves and beside a running server."""

import itertools
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from calltally.accounts import (
    Credential,
    create_webhook,
    find_business,
    keep_dead_letter,
    list_dead_letters,
    open_control,
)
from calltally.folder import DataFolder
from tests.api.conftest import serving
from tests.cli.conftest import CommandLine
from tests.cli.terminal import on_terminal
from tests.webhooks import (
    NEWER,
    POST_CALL,
    SIGNING_KEY,
    STATUS,
    TOKEN,
    as_form,
    as_json,
    callrail_signature,
    twilio_signature,
)

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
PUBLIC = "https://calls.example.com"


def create(calltally: CommandLine, kind: str, *arguments: str, secret: str = "") -> dict[str, Any]:
    made: dict[str, Any] = calltally.run(
        "webhook", "create", "Acme", "--kind", kind, *arguments, "--json", given=secret
    ).json()
    return made


# --- Making them ----------------------------------------------------------------------------------------------------


def test_one_for_callscaler(calltally: CommandLine, acme: str) -> None:
    made = create(calltally, "callscaler", "--name", " Main ", "--public-url", PUBLIC + "/")
    assert list(made) == ["id", "business_id", "kind", "name", "header", "created_at", "address", "secret"]
    assert (made["business_id"], made["name"], made["header"]) == (acme, "Main", "X-Calltally-Secret")
    assert made["address"] == f"{PUBLIC}/api/v1/webhooks/callscaler/{made['id']}"
    assert re.fullmatch(r"cs_hook_[0-9a-f]{40}", made["secret"])
    chosen = create(calltally, "callscaler", "--header", "X-Hook")
    assert (chosen["header"], chosen["address"]) == ("X-Hook", f"/api/v1/webhooks/callscaler/{chosen['id']}")
    in_address = create(calltally, "callscaler", "--in-address", "--public-url", PUBLIC)
    assert in_address["header"] is None
    assert in_address["address"] == (
        f"{PUBLIC}/api/v1/webhooks/callscaler/{in_address['id']}?secret={in_address['secret']}"
    )


@pytest.mark.usefixtures("acme")
def test_for_people_it_says_what_to_paste(calltally: CommandLine) -> None:
    done = calltally.run("webhook", "create", "Acme", "--kind", "callscaler", "--public-url", PUBLIC)
    assert (done.code, done.err) == (0, "")
    title, address, header, once = done.out.splitlines()
    assert title == "Created a webhook for CallScaler into 'Acme'. At CallScaler, enter:"
    assert re.fullmatch(rf"Address +{PUBLIC}/api/v1/webhooks/callscaler/[0-9a-f]{{16}}", address)
    assert re.fullmatch(r"Header X-Calltally-Secret +cs_hook_[0-9a-f]{40}", header)
    assert "not shown again" in once
    without = calltally.run("webhook", "create", "Acme", "--kind", "callscaler").out
    assert without.splitlines()[-1].startswith("Put the address of your server in front; CALLTALLY_PUBLIC_URL")


@pytest.mark.parametrize(("kind", "secret"), [("twilio", TOKEN), ("callrail", SIGNING_KEY)])
def test_a_secret_of_the_vendor_is_read_and_never_shown(
    calltally: CommandLine, acme: str, kind: str, secret: str
) -> None:
    command = ("webhook", "create", acme, "--kind", kind, "--public-url", PUBLIC)
    by_input = calltally.run(*command, given=f"{secret}\n")
    by_variable = calltally.process(*command, CALLTALLY_WEBHOOK_SECRET=secret)
    code, seen = on_terminal(calltally, *command, typed=f"{secret}\n", columns=200)
    for code_of_one, out in ((by_input.code, by_input.out + by_input.err), (by_variable.code, by_variable.out)):
        assert (code_of_one, secret in out) == (0, False)
    assert code == 0
    assert ("auth token" if kind == "twilio" else "signing key") in seen
    assert secret not in seen
    for arguments in ((), ("--json",)):
        listed = calltally.run("webhook", "list", *arguments).out
        assert listed.count(kind) >= 3
        assert secret not in listed


def test_one_of_ours_is_kept_as_a_hash(calltally: CommandLine, acme: str) -> None:
    made = create(calltally, "callscaler")
    for path in DataFolder(calltally.data).path.rglob("*"):
        assert not path.is_file() or made["secret"].encode() not in path.read_bytes()


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--kind", "twillio"), "kind: 'twillio' is not one of callscaler, twilio, callrail; did you mean 'twilio'?"),
        (("--kind", "twilio", "--header", "X"), "header: Twilio signs what it sends"),
        (("--kind", "callrail", "--in-address"), "header: CallRail signs what it sends"),
        (("--kind", "callscaler", "--header", "X", "--in-address"), "header: the secret is either in a header or"),
        (("--kind", "callscaler", "--header", "a b"), "header: 'a b' is not the name of a header"),
        (("--kind", "twilio"), "secret: it has to be 1 to 512 printable ASCII characters"),
        (("--kind", "callscaler", "--public-url", "calls"), "public_url: 'calls' is not an address such as https"),
    ],
)
def test_what_cannot_be(calltally: CommandLine, arguments: tuple[str, ...], sentence: str) -> None:
    assert calltally.run("webhook", "create", "Acme", *arguments).failed(2).startswith(sentence)


def test_list_and_delete(calltally: CommandLine, acme: str) -> None:
    assert calltally.run("webhook", "list", "--json").json() == []
    assert "calltally webhook create" in calltally.run("webhook", "list", acme).out
    made = create(calltally, "callscaler")
    [listed] = calltally.run("webhook", "list", acme, "--json").json()
    assert listed == {
        **{name: value for name, value in made.items() if name != "secret"},
        "ignored_events": [],
        "dead_letters": 0,
    }
    header, row, address = calltally.run("webhook", "list").out.splitlines()
    assert address == f"{made['id']}  {made['address']} with the header {made['header']}"
    *_, address = calltally.run("webhook", "list", "--public-url", "https://calls.example.com").out.splitlines()
    assert address == f"{made['id']}  https://calls.example.com{made['address']} with the header {made['header']}"
    assert re.split("  +", header) == ["Id", "Kind", "Business", "Name", "Ignored events", "Dead letters"]
    assert re.split("  +", row) == [made["id"], "callscaler", "Acme", "-", "-", "0"]
    assert calltally.run("webhook", "delete", made["id"], "--json").json() == {"id": made["id"], "deleted": True}
    assert calltally.run("webhook", "list", "--json").json() == []
    assert "There is no webhook" in calltally.run("webhook", "delete", made["id"]).failed(1)


# --- Beside a server ------------------------------------------------------------------------------------------------


def test_from_the_vendor_to_the_dead_letters_and_back(calltally: CommandLine, acme: str) -> None:
    mine, rail = create(calltally, "callscaler"), create(calltally, "callrail", secret=SIGNING_KEY)
    phone = create(calltally, "twilio", "--public-url", PUBLIC, secret=TOKEN)
    bad = as_json({**NEWER, "ai_score": 999, "note": "a\x1b[31m"})
    broken = b'{"event": "call.completed", \xff'
    with serving(calltally.data, CALLTALLY_PUBLIC_URL=PUBLIC) as server:

        def post(path: str, body: bytes, **headers: str) -> str:
            answer = httpx2.post(server.address + path, content=body, headers=headers)
            assert answer.status_code == 200, answer.text
            return str(answer.json()["data"]["outcome"])

        known = {mine["header"]: mine["secret"]}
        assert post(mine["address"], as_json(NEWER), **known) == "added"
        assert post(rail["address"], as_json(POST_CALL), Signature=callrail_signature(as_json(POST_CALL))) == "added"
        path, signature = phone["address"].removeprefix(PUBLIC), twilio_signature(phone["address"], STATUS)
        assert post(path, as_form(STATUS), **{"X-Twilio-Signature": signature}) == "added"
        assert post(mine["address"], as_json({"event": "call.odd"}), **known) == "ignored"
        for body in (bad, broken):
            assert post(mine["address"], body, **known) == "kept"

        [listed, *_] = calltally.run("webhook", "list", "Acme", "--json").json()
        assert (listed["ignored_events"][0]["event"], listed["ignored_events"][0]["count"]) == ("call.odd", 1)
        assert listed["dead_letters"] == 2
        letters = calltally.run("dead-letters", "list", "Acme", "--json").json()
        assert [letter["reason"].split(":")[0] for letter in letters] == ["ai_score", "body"]
        assert "ai_score: '999' is not from 0 to 100" in calltally.run("dead-letters", "list").out

        shown = calltally.run("dead-letters", "show", letters[0]["id"], "--json").json()
        assert json.loads(shown["body"]) == json.loads(bad)
        for_people = calltally.run("dead-letters", "show", letters[0]["id"]).out
        assert bad.decode() in for_people
        assert "\x1b" not in for_people
        assert "\\xff" in calltally.run("dead-letters", "show", letters[1]["id"]).out

        failed = calltally.run("dead-letters", "retry", "--all")
        assert (failed.code, failed.out.splitlines()[-1]) == (1, "0 taken, 2 left")
        mend(calltally, acme, letters[0]["id"])
        retried = calltally.process("dead-letters", "retry", letters[0]["id"], "--json").json()
        assert retried == [{"id": letters[0]["id"], "taken": True, "reason": None}]
        assert [left["id"] for left in calltally.run("dead-letters", "list", "--json").json()] == [letters[1]["id"]]
    exported = calltally.run("export", "--business", "Acme", "--format", "ndjson").out.splitlines()
    assert {json.loads(line)["id"]: json.loads(line).get("ai_score") for line in exported} == {
        NEWER["id"]: 99,
        POST_CALL["resource_id"]: None,
        STATUS["CallSid"]: None,
    }


def mend(calltally: CommandLine, business: str, letter_id: str) -> None:
    """Change the body of a dead letter to one that can be applied, as a newer release might read it otherwise."""
    with open_control(DataFolder(calltally.data)) as control, control.writing() as connection:
        changed = as_json({**NEWER, "ai_score": 99, "timestamp": "2026-03-09T15:00:00Z"})
        connection.exec_driver_sql("UPDATE dead_letters SET body = ? WHERE id = ?", (changed, letter_id))
    with open_control(DataFolder(calltally.data)) as control:
        assert len(list_dead_letters(control, find_business(control, business))) == 2


def test_retry_without_a_server(calltally: CommandLine, acme: str, tmp_path: Path) -> None:
    rail = create(calltally, "callrail", secret=SIGNING_KEY)
    body = as_json({"id": 7.5})
    with serving(calltally.data) as server:
        answer = httpx2.post(
            server.address + rail["address"], content=body, headers={"Signature": callrail_signature(body)}
        )
        assert answer.json() == {"data": {"outcome": "kept"}}
    [letter] = calltally.run("dead-letters", "list", "--json").json()
    assert calltally.run("dead-letters", "retry", letter["id"], "--json").code == 1
    assert calltally.run("dead-letters", "delete", letter["id"]).failed(1) == (
        "Delete 1 dead letter for ever? Nobody can be asked here; add --yes to agree"
    )
    with open_control(DataFolder(calltally.data)) as control, control.writing() as connection:
        connection.exec_driver_sql("UPDATE dead_letters SET body = ?", (as_json(POST_CALL),))
    assert calltally.run("dead-letters", "retry", "--all").out == "1 taken, 0 left\n"
    assert calltally.run("dead-letters", "list").out == "There are no dead letters\n"
    assert calltally.run("dead-letters", "retry", "--all", "--json").json() == []


def test_letters_that_nobody_needs_are_deleted(calltally: CommandLine, acme: str) -> None:
    with open_control(DataFolder(calltally.data)) as control:
        business = find_business(control, acme)
        credential = Credential(secret=SIGNING_KEY)
        webhook = create_webhook(control, business, kind="callrail", name=None, credential=credential, now=NOW)
        for body in (b"1", b"2", b"3"):
            keep_dead_letter(control, webhook, body, "no object", NOW)
    ids = [letter["id"] for letter in calltally.run("dead-letters", "list", "--json").json()]
    done = calltally.run("dead-letters", "delete", ids[1], ids[1], "--yes", "--json")
    assert done.json() == {"deleted": [ids[1]]}
    assert "There is no dead letter" in calltally.run("dead-letters", "delete", *ids, "--yes").failed(1)
    assert [letter["id"] for letter in calltally.run("dead-letters", "list", "--json").json()] == [ids[0], ids[2]]
    assert calltally.run("dead-letters", "delete", "--all", "--yes").out == "Deleted 2 dead letters\n"
    assert calltally.run("dead-letters", "delete", "--all").out == "Deleted 0 dead letters\n"


@pytest.mark.usefixtures("acme")
def test_which_letters_are_meant_has_to_be_said(calltally: CommandLine) -> None:
    for command, arguments in itertools.product(("retry", "delete"), ((), ("x", "--all"))):
        sentence = calltally.run("dead-letters", command, *arguments).failed(2)
        assert sentence == "id: give the ids of dead letters, or --all"
    for command in ("show", "retry", "delete"):
        assert "There is no dead letter 'x'" in calltally.run("dead-letters", command, "x").failed(1)
