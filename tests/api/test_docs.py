"""The files of the page `/docs`, as a browser or a proxy meets them."""

import gzip
import re
from html.parser import HTMLParser

import pytest

from calltally.api.docs import DOCS
from tests.api.conftest import Door

FILES = {
    "/docs": "text/html; charset=utf-8",
    "/docs/docs.css": "text/css; charset=utf-8",
    "/docs/docs.js": "text/javascript; charset=utf-8",
    "/docs/icon.svg": "image/svg+xml",
    "/docs/scalar.js": "text/javascript; charset=utf-8",
}


class Page(HTMLParser):
    """What a page refers to, and what it does inline."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        for name, value in attributes:
            if name in {"href", "src"}:
                self.addresses.append(value or "")
            if name == "style" or name.startswith("on"):
                self.inline.append(name)

    def handle_data(self, data: str) -> None:
        if self._inside in {"script", "style"} and data.strip():
            self.inline.append(data)


def test_every_file_is_known_here() -> None:
    assert {route.path for route in DOCS} == {*FILES, "/docs/"}


@pytest.mark.parametrize(("path", "media_type"), FILES.items())
def test_a_file(door: Door, path: str, media_type: str) -> None:
    response = door.client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, media_type)
    assert response.content
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", FILES)
def test_a_file_that_has_not_changed(door: Door, path: str) -> None:
    first = door.client.get(path)
    again = door.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    assert door.client.get(path, headers={"If-None-Match": 'W/"another"'}).status_code == 200


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_compressed_for_those_who_take_it(door: Door, path: str) -> None:
    plain = door.client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with door.client.stream("GET", path, headers={"Accept-Encoding": "br, gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["etag"] == plain.headers["etag"]
        assert gzip.decompress(b"".join(packed.iter_raw())) == plain.content


def test_the_policy_lets_in_nothing_from_elsewhere(door: Door) -> None:
    policy = door.client.get("/docs").headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    allowed = {source for sources in rules.values() for source in sources.split()}
    assert allowed == {"'none'", "'self'", "'unsafe-inline'", "data:"}
    assert [name for name, sources in rules.items() if "'unsafe-inline'" in sources] == ["style-src"]


def test_the_page_does_nothing_inline_and_refers_to_what_is_served_beside_it(door: Door) -> None:
    page = Page(door.client.get("/docs").text)
    assert page.inline == []
    assert {f"/{address}" for address in page.addresses} == {*FILES, "/openapi.json"} - {"/docs"}


@pytest.mark.parametrize("path", ["/docs", "/docs/docs.css", "/docs/docs.js"])
def test_our_own_files_name_no_other_host(door: Door, path: str) -> None:
    assert re.findall(r"https?:|//[a-z]", re.sub(r"^// .*", "", door.client.get(path).text, flags=re.M)) == []


def test_other_addresses_and_methods(door: Door) -> None:
    moved = door.client.get("/docs/")
    assert (moved.status_code, moved.headers["location"]) == (308, "../docs")
    assert door.client.head("/docs").status_code == 200
    missing = door.client.get("/docs/nothing.js")
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "not_found")
    wrong = door.client.post("/docs")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD")
