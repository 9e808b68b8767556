"""`calltally serve`, and commands beside it."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from calltally.engines import open_engine
from calltally.folder import DataFolder
from calltally.settings import SETTINGS, read_settings
from tests.api.conftest import Server, serving
from tests.cli.conftest import CommandLine

QUERY = "/api/v1/analytics/calls?group_by=source"
SHARE = "a share of the machine's memory such as 25%"
MEMORY = f"a size such as 2GB, 16MB at least, or {SHARE}"


@pytest.fixture
def key(calltally: CommandLine, acme: str, tmp_path: Path) -> dict[str, str]:
    """A key of Acme, which has one call."""
    path = tmp_path / "calls.csv"
    path.write_text("id,started_at,source\na,2026-03-09T14:05:00Z,google\n")
    assert calltally.run("import", str(path), "-b", acme).code == 0
    made: dict[str, str] = calltally.run("key", "create", acme, "--json").json()
    return made


@pytest.fixture
def server(calltally: CommandLine, key: dict[str, str]) -> Iterator[Server]:
    with serving(calltally.data) as running:
        yield running


def asked(server: Server, key: dict[str, str]) -> tuple[int, Any]:
    """Status, and how many calls there are or what went wrong."""
    answer = httpx2.get(f"{server.address}{QUERY}", headers={"Authorization": f"Bearer {key['key']}"})
    body = answer.json()
    return answer.status_code, body["data"]["totals"]["count"] if answer.is_success else body["error"]["message"]


def test_a_port_that_is_taken(calltally: CommandLine, acme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = calltally.process("serve", "--port", str(port)).failed(1)
    assert sentence == (
        f"Cannot listen on 127.0.0.1 port {port} (Address already in use); choose another with --port or --host"
    )


@pytest.mark.parametrize("port", ["65536", "-1", "web"])
def test_a_port_that_is_none(calltally: CommandLine, port: str) -> None:
    assert "--port" in calltally.process("serve", "--port", port).failed(2)


@pytest.mark.parametrize("host", ["256.0.0.1", "127.0.0..1", "a" * 64 + ".example"])
def test_a_host_that_is_none(calltally: CommandLine, host: str) -> None:
    assert (
        calltally.process("serve", "--host", host, "--port", "0")
        .failed(1)
        .startswith(f"Cannot listen on {host} port 0 (")
    )


def test_a_log_level_that_is_none(calltally: CommandLine) -> None:
    sentence = calltally.process("serve", CALLTALLY_LOG_LEVEL="loud").failed(2)
    assert sentence == "CALLTALLY_LOG_LEVEL: 'loud' is not one of debug, info, warning, error"


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        *((setting.variable, str(setting.lowest - 1), "low") for setting in SETTINGS if setting.lowest is not None),
        ("CALLTALLY_REPORTS", "-8", "low"),
        ("CALLTALLY_REPORT_SECONDS", "0.5", "low"),
        ("CALLTALLY_REPORT_SECONDS", "nan", "number"),
        ("CALLTALLY_REPORT_SECONDS", "inf", "number"),
        ("CALLTALLY_REPORTS_PER_KEY", "2.5", "whole number"),
        ("CALLTALLY_CACHE_MEGABYTES", "64MB", "whole number"),
    ],
)
def test_a_number_that_will_not_do(calltally: CommandLine, name: str, text: str, problem: str) -> None:
    lowest = next(setting.lowest for setting in SETTINGS if setting.variable == name)
    why = f"is too low; it can be {lowest} or more" if problem == "low" else f"is not a {problem}"
    assert calltally.process("check", **{name: text}).failed(2) == f"{name}: '{text}' {why}"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("PORT", "99999", "is too high; it can be 65535 or less"),
        ("THREADS", "100000", "is too high; it can be 1024 or less"),
        *(("MEMORY", text, f"is not {MEMORY}") for text in ("lots", "1", "-1GB", "0GB", "15MB", "0%", "200%", "2e9TB")),
        *(("SPILL", text, "is not a size such as 20GB, or 0 for none") for text in ("lots", "1", "-1GB", "50%")),
        *(("HOT_MEMORY", text, f"is not a size such as 2GB, {SHARE}, or 0") for text in ("lots", "1", "-1GB", "200%")),
    ],
)
def test_a_size_that_will_not_do(name: str, text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"CALLTALLY_{name}: '{text}' {why}") + "$"):
        read_settings({f"CALLTALLY_{name}": text})


def test_a_wrong_size_is_told_in_a_sentence(calltally: CommandLine) -> None:
    assert calltally.process("check", CALLTALLY_MEMORY="lots").failed(2) == f"CALLTALLY_MEMORY: 'lots' is not {MEMORY}"


@pytest.mark.parametrize(
    "variables",
    [
        {"CALLTALLY_MEMORY": "16MB", "CALLTALLY_SPILL": "0"},
        {"CALLTALLY_MEMORY": "25%", "CALLTALLY_SPILL": "1.5 gib"},
        {"CALLTALLY_MEMORY": "1gb", "CALLTALLY_SPILL": "500M", "CALLTALLY_OPEN_BUSINESSES": "0"},
        {"CALLTALLY_MEMORY": "1000000TB", "CALLTALLY_SPILL": "1000000TB", "CALLTALLY_THREADS": "1"},
    ],
)
def test_every_size_that_is_taken_is_one_to_the_database(tmp_path: Path, variables: dict[str, str]) -> None:
    settings = read_settings({"CALLTALLY_HOT_MEMORY": "0", **variables})
    with closing(open_engine(DataFolder(tmp_path), settings)) as engine:
        engine.check("business.1")


def test_a_number_that_is_given_is_held_to_the_same_limits() -> None:
    for name, number, why in (("port", 65536, "high; it can be 65535 or less"), ("reports", 0, "low; it can be 1")):
        with pytest.raises(ValueError, match=f"^{name}: '{number}' is too {why}"):
            read_settings({}, **{name: number})


def test_every_limit_of_work_is_one_at_least() -> None:
    limited = {setting.name for setting in SETTINGS if setting.lowest == 1}
    assert limited == {
        setting.name for setting in SETTINGS if re.search("report|waiting|writers|session", setting.name)
    }


def test_keys_beside_a_running_server(calltally: CommandLine, acme: str, server: Server, key: dict[str, str]) -> None:
    assert server.port > 0
    assert asked(server, key) == (200, 1)
    other = calltally.process("key", "create", acme, "--json").json()
    assert asked(server, other) == (200, 1)
    listed = {row["id"]: row for row in calltally.process("key", "list", acme, "--json").json()}
    assert set(listed) == {key["id"], other["id"]}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", listed[other["id"]]["last_used_at"])
    calltally.process("key", "revoke", key["id"], "--json").json()
    assert asked(server, key) == (401, "Invalid API key")
    assert asked(server, other) == (200, 1)


def test_businesses_beside_a_running_server(
    calltally: CommandLine, acme: str, server: Server, key: dict[str, str]
) -> None:
    fresh = calltally.process("business", "create", "Fresh", "--json").json()
    its_key = calltally.run("key", "create", fresh["id"], "--json").json()
    assert asked(server, its_key) == (200, 0)
    calltally.process("business", "update", acme, "--timezone", "Asia/Tokyo", "--json").json()
    headers = {"Authorization": f"Bearer {key['key']}"}
    hour = httpx2.get(f"{server.address}{QUERY},hour_of_day", headers=headers).json()["data"]["data"][0]["hour_of_day"]
    assert hour == 23
    calltally.process("business", "clear", acme, "--yes", "--json").json()
    assert asked(server, key) == (200, 0)
    calltally.process("business", "delete", acme, "--yes", "--json").json()
    assert asked(server, key) == (401, "Invalid API key")
    assert asked(server, its_key) == (200, 0)
    assert server.stop() == 0


def test_a_second_server_on_a_folder(calltally: CommandLine, server: Server) -> None:
    sentence = calltally.process("serve", "--port", "0").failed(1)
    assert f"is in use by a running server ({server.address}, process {server.process.pid})" in sentence
