"""A report in other forms: CSV, pictures, and with its chart."""

import csv
import io
import json
import os
import re
import signal
from pathlib import Path

import httpx2
import pytest

from calltally.folder import DataFolder
from tests.api.conftest import REPORT, Asker, Door, calls, eventually, filled, serving

PICTURES = {"svg": ("image/svg+xml", b"<svg "), "png": ("image/png", b"\x89PNG")}
TYPES = {"csv": "text/csv; charset=utf-8", "svg": "image/svg+xml", "png": "image/png", "chart.json": "application/json"}
HOSTILE = "<img src=x onerror=alert(1)>"


def lines(response: httpx2.Response) -> list[list[str]]:
    assert response.status_code == 200, response.text
    return list(csv.reader(io.StringIO(response.text)))


class TestAddresses:
    @pytest.mark.parametrize("form", TYPES)
    def test_each_form_has_an_address(self, few: Asker, form: str) -> None:
        response = few.get(path=f"{REPORT}.{form}")
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"] == TYPES[form]

    @pytest.mark.parametrize(("form", "begins"), [(form, begins) for form, (_, begins) in PICTURES.items()])
    def test_a_picture_is_one(self, few: Asker, form: str, begins: bytes) -> None:
        assert few.get(path=f"{REPORT}.{form}").content.startswith(begins)

    @pytest.mark.parametrize("form", TYPES)
    def test_it_needs_a_key_with_the_scope_of_reports(self, door: Door, few: Asker, form: str) -> None:
        assert few.client.get(f"{REPORT}.{form}?group_by=source").status_code == 401
        assert door.asker(few.business, "write").get(path=f"{REPORT}.{form}").status_code == 403
        assert door.asker(few.business, "report").get(path=f"{REPORT}.{form}").status_code == 200

    @pytest.mark.parametrize("form", TYPES)
    def test_problems_are_told_as_json(self, few: Asker, form: str) -> None:
        response = few.get("group_by=sorce&limit=0", f"{REPORT}.{form}")
        assert response.status_code == 400
        assert [problem["param"] for problem in response.json()["error"]["details"]] == ["group_by", "limit"]

    @pytest.mark.parametrize("form", TYPES)
    def test_no_other_method(self, few: Asker, form: str) -> None:
        assert few.client.post(f"{REPORT}.{form}", headers=few.headers).status_code == 405

    @pytest.mark.parametrize("form", ["svg", "png", "chart.json"])
    def test_a_picture_can_be_told_how_to_look(self, few: Asker, form: str) -> None:
        few_looks = {
            few.get(f"group_by=source{more}", f"{REPORT}.{form}").content
            for more in ("", "&theme=dark", "&width=340", "&height=200")
        }
        assert len(few_looks) == 4

    @pytest.mark.parametrize("bad", ["theme=blue", "width=199", "width=2001", "height=99", "height=1e3", "width="])
    def test_within_bounds(self, few: Asker, bad: str) -> None:
        response = few.get(f"group_by=source&{bad}", f"{REPORT}.svg")
        assert response.status_code == 400
        assert response.json()["error"]["param"] == bad.partition("=")[0]

    @pytest.mark.parametrize("path", [REPORT, f"{REPORT}.csv"])
    def test_what_is_no_picture_refuses_to_look(self, few: Asker, path: str) -> None:
        response = few.get("group_by=source&theme=dark", path)
        assert response.status_code == 400
        assert response.json()["error"]["param"] == "theme"


class TestAccept:
    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            ("text/csv", "text/csv; charset=utf-8"),
            ("text/csv; charset=utf-8", "text/csv; charset=utf-8"),
            ("IMAGE/PNG", "image/png"),
            ("image/svg+xml", "image/svg+xml"),
            ("text/csv, */*;q=0.1", "application/json"),
            ("text/csv, image/png", "application/json"),
            ("text/csv;q=0", "application/json"),
            ("image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", "application/json"),
            ("image/*", "application/json"),
            ("application/json", "application/json"),
            ("application/xml", "application/json"),
            ("*/*", "application/json"),
            ("", "application/json"),
        ],
    )
    def test_one_type_alone_is_given(self, few: Asker, accept: str, expected: str) -> None:
        response = few.get(Accept=accept)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == expected
        assert "Accept," in response.headers["Vary"]

    def test_a_picture_by_its_type_can_be_told_how_to_look(self, few: Asker) -> None:
        dark = few.get("group_by=source&theme=dark", Accept="image/svg+xml")
        assert dark.content == few.get("group_by=source&theme=dark", f"{REPORT}.svg").content


class TestCaching:
    @pytest.mark.parametrize("form", TYPES)
    def test_nothing_is_sent_again(self, few: Asker, form: str) -> None:
        first = few.get(path=f"{REPORT}.{form}")
        again = few.get(path=f"{REPORT}.{form}", **{"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

    def test_each_form_and_look_has_a_tag_of_its_own(self, few: Asker) -> None:
        paths = [REPORT, *(f"{REPORT}.{form}" for form in TYPES)]
        tags = {few.get(path=path).headers["ETag"] for path in paths}
        tags.add(few.get("group_by=source&theme=dark", f"{REPORT}.svg").headers["ETag"])
        assert len(tags) == 6

    def test_the_look_can_be_said_in_other_words(self, few: Asker) -> None:
        short, long = (
            few.get(query, f"{REPORT}.svg") for query in ("group_by=source", "width=0800&group_by=source&theme=light")
        )
        assert short.headers["ETag"] == long.headers["ETag"]

    def test_a_change_is_in_the_next_picture(self, door: Door) -> None:
        asker = door.asker(door.business(calls({"source": "google"}, {"source": "bing"})))
        before = asker.get(path=f"{REPORT}.svg")
        door.add(asker.business, [{"id": "new", "started_at": "2026-03-09T12:00:00Z", "source": "yelp"}])
        after = asker.get(path=f"{REPORT}.svg")
        assert b"yelp" in after.content
        assert before.headers["ETag"] != after.headers["ETag"]


class TestCsv:
    def test_rows_are_those_of_the_report(self, few: Asker) -> None:
        query = "group_by=source,direction&metrics=count,qualified_pct,avg_duration,total_value_cents"
        header, *rows = lines(few.get(query, f"{REPORT}.csv"))
        report = few.report(query)["data"]
        assert header == list(report[0])
        assert rows == [["" if cell is None else str(cell) for cell in row.values()] for row in report]

    def test_what_a_spreadsheet_would_run_is_harmless(self, door: Door) -> None:
        texts = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", "-", "+", "'quoted", 'a,"b"', HOSTILE]
        numbers = ["+13055551234", "-12.5", "+1", "7"]
        asker = door.asker(door.business(calls(*({"source": text} for text in (*texts, *numbers)))))
        shown = {row[0] for row in lines(asker.get(path=f"{REPORT}.csv"))[1:]}
        assert shown == {*(f"'{text}" if text[0] in "=+-@" else text for text in texts), *numbers}

    def test_the_calls_themselves_stay_as_they_are(self, door: Door) -> None:
        asker = door.asker(door.business(calls({"source": "=1+1"})))
        assert "=1+1" in {cell for row in lines(asker.get("", "/api/v1/calls.csv")) for cell in row}

    def test_it_is_a_file_to_keep(self, few: Asker) -> None:
        assert (
            few.get(path=f"{REPORT}.csv").headers["Content-Disposition"] == 'attachment; filename="calls-by-source.csv"'
        )

    def test_no_calls_are_a_line_of_names(self, few: Asker) -> None:
        assert lines(few.get("group_by=source&source=nobody", f"{REPORT}.csv")) == [["source", "count"]]


class TestChart:
    def test_the_report_is_that_of_the_report(self, few: Asker) -> None:
        data = few.get("group_by=source&metrics=count,qualified_pct", f"{REPORT}.chart.json").content
        report = few.get("group_by=source&metrics=count,qualified_pct").content
        assert data.startswith(
            b'{"data":{"report":' + report.removeprefix(b'{"data":').removesuffix(b"}") + b',"chart":{'
        )

    def test_its_data_is_in_it(self, few: Asker) -> None:
        chart = few.get(path=f"{REPORT}.chart.json").json()["data"]["chart"]
        assert {entry["n"]: entry["v"] for entry in chart["data"]["values"]} == {
            "google": 2,
            "bing": 1,
            "münchen 🚀": 1,
            "no source": 1,
        }

    def test_a_sum_beyond_64_bits_can_be_drawn(self, door: Door) -> None:
        rows = [{"source": f"s{n % 2}", "value_cents": 10**12} for n in range(9)]
        asker = door.asker(door.business(calls(*rows)))
        assert asker.get("group_by=source&metrics=total_value_cents", f"{REPORT}.svg").status_code == 200

    def test_money_is_in_the_currency_of_the_business(self, few: Asker) -> None:
        query = "group_by=source&metrics=total_value_cents"
        assert "Total value (USD)" in json.dumps(few.get(query, f"{REPORT}.chart.json").json())


def test_any_text_stays_text(door: Door) -> None:
    asker = door.asker(door.business(calls({"source": HOSTILE}, {"source": "a\x08b"}, {"source": "]]>&<b>"})))
    picture = asker.get(path=f"{REPORT}.svg")
    assert picture.status_code == 200
    assert "<img" not in picture.text
    assert "&lt;img src=x onerror=alert(1)" in picture.text
    assert picture.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert picture.headers["X-Content-Type-Options"] == "nosniff"


def children(pid: int) -> list[int]:
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def resident(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) // 1024


def test_drawing_costs_the_server_nothing_and_ends_with_it(tmp_path: Path) -> None:
    headers = filled(DataFolder(tmp_path / "data"), 100)
    with serving(tmp_path / "data", CALLTALLY_HOT_MEMORY="0") as server:

        def ask(query: str, form: str) -> httpx2.Response:
            return httpx2.get(f"{server.address}{REPORT}.{form}?group_by=source&limit={query}", headers=headers)

        assert ask("50", "csv").status_code == 200
        before = resident(server.process.pid)
        assert {ask(str(limit), "png").status_code for limit in range(20, 40)} == {200}
        assert resident(server.process.pid) - before < 40
        [drawing] = children(server.process.pid)
        assert resident(drawing) > 60
        os.kill(drawing, signal.SIGKILL)
        assert ask("41", "svg").status_code == 200
        [drawing] = children(server.process.pid)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(timeout=30)
        assert eventually(lambda: _is_dead(drawing))


def _is_dead(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the latter where it goes between opening and reading
        return True
    return "Z" in stat.rpartition(")")[2].split()[0]
