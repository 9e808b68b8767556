"""The pages hold: generated parts are fresh, links lead somewhere, examples come out as they say.

A block of a page that is run or compared stands behind a marker of its own: `file: NAME` (its content), `run` (a
command), `prints` (what that command printed), `ask` (a request) and `answer` (what it was answered).
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from scripts.docs import OPENAPI, REGIONS, BadMarker, fill, main, pages, stale
from starlette.testclient import TestClient

from calltally.accounts import Business, create_business, create_key, open_control
from calltally.demo import generate_calls
from calltally.engines import Engine
from calltally.folder import DataFolder
from calltally.ingestion import ImportOptions, import_file, import_records
from tests.api.conftest import open_client

ROOT = Path(__file__).resolve().parents[2]
TIME_ZONE = "America/New_York"

BLOCK = re.compile(
    r"^<!-- (?P<kind>file|run|prints|ask|answer)(?:: (?P<of>[^\n]+?))? -->\n```\w+\n(?P<text>.*?)^```$", re.M | re.S
)
SHELL = re.compile(r"^```sh\n(?P<text>.*?)^```$", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
HEADING = re.compile(r"^#+ (?P<title>.+)$", re.M)
NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Block:
    """A marked block of a page."""

    kind: str
    of: str
    text: str


def blocks(page: str) -> list[Block]:
    found = BLOCK.finditer((ROOT / page).read_text(encoding="utf-8"))
    return [Block(block["kind"], block["of"] or "", block["text"]) for block in found]


def file_in(page: str, name: str) -> str:
    """The content of a file that a page shows."""
    [text] = [block.text for block in blocks(page) if (block.kind, block.of) == ("file", name)]
    return text


def asked(page: str) -> Iterator[tuple[str, str]]:
    """The URL of each request of a page, and the answer that it shows."""
    marked = [block for block in blocks(page) if block.kind in {"ask", "answer"}]
    assert [block.kind for block in marked] == ["ask", "answer"] * (len(marked) // 2)
    for ask, answer in zip(marked[::2], marked[1::2], strict=True):
        url = re.search(r'"(http[^"]+)"', ask.text)
        assert url
        yield url[1], answer.text


class TestGenerated:
    def test_pages_are_fresh(self) -> None:
        assert list(stale(ROOT)) == []

    def test_every_part_is_in_a_page(self) -> None:
        text = "".join((ROOT / page).read_text(encoding="utf-8") for page in pages(ROOT))
        assert [name for name in REGIONS if f"<!-- generated: {name} -->" not in text] == []

    @pytest.mark.parametrize("page", ["docs/api.md", "docs/cli.md", "docs/import.md", "docs/openapi.json"])
    def test_a_stale_page_is_named_and_can_be_written(
        self, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        copy_pages(tmp_path)
        monkeypatch.setattr("scripts.docs.ROOT", tmp_path)
        assert main(["--check"]) == 0
        path = tmp_path / page
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"(<!-- generated: .*|\"openapi\": )", r"\1\nold", text, count=1), encoding="utf-8")
        assert main(["--check"]) == 1
        assert capsys.readouterr().err == f"{page} is stale: run make docs\n"
        assert main([]) == 0
        assert path.read_text(encoding="utf-8") == text
        assert main(["--check"]) == 0

    def test_a_missing_openapi_document_is_stale(self, tmp_path: Path) -> None:
        copy_pages(tmp_path)
        (tmp_path / OPENAPI).unlink()
        assert list(stale(tmp_path)) == [OPENAPI]

    def test_an_unknown_option_is_wrong_usage(self) -> None:
        assert main(["--chek"]) == 2

    def test_what_stands_outside_is_kept(self) -> None:
        text = "# Title\n\n<!-- generated: scopes -->\nold\n<!-- end generated -->\n\nThe end.\n"
        filled = fill(text, "page.md")
        assert filled.startswith("# Title\n\n<!-- generated: scopes -->\n\n| Scope |")
        assert filled.endswith("|\n\n<!-- end generated -->\n\nThe end.\n")
        assert "old" not in filled
        assert fill(filled, "page.md") == filled

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("<!-- generated: nonsense -->\n<!-- end generated -->\n", "page.md, line 1: there is no generated part"),
            ("a\n<!-- generated: scopes -->\nb\n", "page.md, line 2: this generated part is never closed"),
            ("<!-- end generated -->\n", "page.md, line 1: '<!-- end generated -->' stands where it cannot"),
            (
                "<!-- generated: scopes -->\n<!-- generated: errors -->\n<!-- end generated -->\n",
                "page.md, line 2: '<!-- generated: errors -->' stands where it cannot",
            ),
        ],
    )
    def test_bad_markers_are_named(self, text: str, complaint: str) -> None:
        with pytest.raises(BadMarker, match=f"^{re.escape(complaint)}"):
            fill(text, "page.md")

    def test_the_terminal_does_not_matter(self) -> None:
        checked = subprocess.run(
            [sys.executable, "-m", "scripts.docs", "--check"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "COLUMNS": "40", "TERM": "xterm-256color", "FORCE_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def copy_pages(to: Path) -> None:
    """Copy the pages and the OpenAPI document."""
    for path in (*pages(ROOT), OPENAPI):
        (to / path).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / path, to / path)


class TestLinks:
    @pytest.mark.parametrize("page", [str(page) for page in pages(ROOT)])
    def test_links_lead_somewhere(self, page: str) -> None:
        text = FENCED.sub("", (ROOT / page).read_text(encoding="utf-8"))
        targets = [urlsplit(link["target"]) for link in LINK.finditer(text)]
        broken = [target.geturl() for target in targets if not target.scheme and not leads(ROOT / page, *target[2:5:2])]
        assert broken == []

    def test_every_page_can_be_reached_from_the_readme(self) -> None:
        links = {link["target"] for link in LINK.finditer((ROOT / "README.md").read_text(encoding="utf-8"))}
        assert {str(page) for page in pages(ROOT)} - {"README.md"} - links == set()


def leads(page: Path, path: str, anchor: str) -> bool:
    """Whether there is a file at a path relative to the page and, if an anchor is given, such a heading in it."""
    target = page.parent / path if path else page
    if not target.exists():
        return False
    titles = HEADING.finditer(FENCED.sub("", target.read_text(encoding="utf-8"))) if anchor else ()
    return not anchor or anchor in {NOT_IN_ANCHORS.sub("", t["title"].lower()).replace(" ", "-") for t in titles}


class TestCommands:
    def test_the_import_example_comes_out_as_the_page_says(self, tmp_path: Path) -> None:
        (tmp_path / "export.csv").write_text(file_in("docs/import.md", "export.csv"), encoding="utf-8")
        (tmp_path / "callrail.csv").write_text(file_in("docs/import.md", "callrail.csv"), encoding="utf-8")
        run_blocks("docs/import.md", tmp_path, compared=4)

    @pytest.mark.parametrize("page", ["README.md", "docs/import.md"])
    def test_no_import_of_a_file_that_is_shown_goes_untried(self, page: str) -> None:
        every = [block["text"] for block in SHELL.finditer((ROOT / page).read_text(encoding="utf-8"))]
        tried = [block.text for block in blocks(page) if block.kind == "run"]
        shown = {block.of for block in blocks("docs/import.md") if block.kind == "file"}
        assert tried
        assert [text for text in every if text not in tried and any(f"import {name}" in text for name in shown)] == []

    def test_the_commands_of_the_readme_work(self, tmp_path: Path) -> None:
        (tmp_path / "export.csv").write_text(file_in("docs/import.md", "export.csv"), encoding="utf-8")
        run_blocks("README.md", tmp_path, compared=0)

    @pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/cli.md"])
    def test_make_targets_exist(self, page: str) -> None:
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        targets = set(re.findall(r"^([a-z]+):.*##", makefile, re.M))
        named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / page).read_text(encoding="utf-8"), re.M))
        assert named
        assert named - targets == set()


def run_blocks(page: str, folder: Path, *, compared: int) -> None:
    """Run the commands of a page in a folder and compare what they print with what the page says."""
    last: str | None = None
    for block in blocks(page):
        if block.kind == "run":
            last = run(block.text, folder)
        elif block.kind == "prints":
            assert last == block.text
            compared -= 1
    assert compared == 0


def run(command: str, folder: Path) -> str:
    """What a command of a page prints."""
    binaries = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env={"PATH": f"{binaries}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestAnswers:
    def test_the_answers_of_the_api_page_are_real(
        self, engine: Engine, business: Business, ask: TestClient, tmp_path: Path
    ) -> None:
        path = tmp_path / "calls.csv"
        path.write_text(file_in("docs/api.md", "calls.csv"), encoding="utf-8")
        assert import_file(path, business, engine, ImportOptions()).summary.added == 8
        compare("docs/api.md", ask, examples=8)

    def test_the_answer_of_the_readme_is_real(self, engine: Engine, business: Business, ask: TestClient) -> None:
        [made] = [block.of.removeprefix("demo of ") for block in blocks("README.md") if block.kind == "ask"]
        until = datetime.fromisoformat(f"{made}T12:00:00+00:00")
        import_records(generate_calls(until, time_zone=TIME_ZONE), business, engine)
        compare("README.md", ask, examples=1)


def compare(page: str, ask: TestClient, *, examples: int) -> None:
    """Ask each request of a page and compare the answer, byte for byte but for its layout."""
    for url, shown in asked(page):
        parts = urlsplit(url)
        answer = ask.get(f"{parts.path}?{parts.query}").text
        assert answer == json.dumps(json.loads(shown), ensure_ascii=False, separators=(",", ":"))
        examples -= 1
    assert examples == 0


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.fixture
def business(folder: DataFolder) -> Business:
    with open_control(folder) as control:
        now = datetime.now(UTC)
        return create_business(control, "Acme", timezone=TIME_ZONE, region="US", currency="USD", now=now)


@pytest.fixture
def ask(folder: DataFolder, business: Business, engine: Engine) -> Iterator[TestClient]:
    """A client with a key of the business."""
    with open_control(folder) as control:
        now = datetime.now(UTC)
        key = create_key(control, business, None, ("read",), now)
        with open_client(control, engine, kept_bytes=0) as client:
            client.headers["Authorization"] = f"Bearer {key.secret}"
            yield client
