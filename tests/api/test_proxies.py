"""What is believed of a request, and from whom."""

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from calltally.api import behind_proxies
from calltally.settings import networks, read_settings

FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "calls.example.com, inner.example",
}


async def tell(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what is believed."""
    request = Request(scope, receive)
    assert request.client
    said = {"client": request.client.host, "url": str(request.url)}
    await JSONResponse(said)(scope, receive, send)


def believed(trusted: str, peer: str, **headers: str) -> dict[str, str]:
    client = TestClient(behind_proxies(tell, networks(trusted)), base_url="http://inside:8080", client=(peer, 5000))
    said: dict[str, str] = client.get("/x?y=1", headers={**FORWARDED, **headers}).json()
    return said


@pytest.mark.parametrize("trusted", ["", "10.0.0.0/8", "192.0.2.1, 2001:db8::/32"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "192.0.2.2", "::1", "unix"])
def test_nobody_else_is_believed(trusted: str, peer: str) -> None:
    assert believed(trusted, peer) == {"client": peer, "url": "http://inside:8080/x?y=1"}


@pytest.mark.parametrize("peer", ["10.1.2.3", "192.0.2.1", "2001:db8::5"])
def test_a_trusted_proxy_is(peer: str) -> None:
    said = believed("10.0.0.0/8, 192.0.2.1, 2001:db8::/32", peer)
    assert said == {"client": "203.0.113.9", "url": "https://calls.example.com/x?y=1"}


def test_what_it_does_not_say_stays() -> None:
    app = behind_proxies(tell, networks("10.0.0.1"))
    client = TestClient(app, base_url="http://inside:8080", client=("10.0.0.1", 5000))
    assert client.get("/x").json() == {"client": "10.0.0.1", "url": "http://inside:8080/x"}


def test_the_setting_names_what_is_no_network() -> None:
    assert read_settings({"CALLTALLY_TRUSTED_PROXIES": " 10.0.0.0/8 ,::1,"}).trusted_proxies == "10.0.0.0/8,::1/128"
    for text in ("proxy.example", "10.0.0.1/8", "*", "10.0.0.0/8;::1"):
        with pytest.raises(ValueError, match=r"^CALLTALLY_TRUSTED_PROXIES: .* is neither an address nor a network"):
            read_settings({"CALLTALLY_TRUSTED_PROXIES": text})


def test_the_public_address() -> None:
    for text in ("https://calls.example.com", "http://a.example:8080/calls"):
        assert read_settings({"CALLTALLY_PUBLIC_URL": text + "/"}).public_url == text
        assert read_settings({}, public_url=text).public_url == text
    for text in (
        "calls.example.com",
        "ftp://x",
        "https://",
        "https://x/?a",
        "https://x/#a",
        "https://u@x",
        "https://x:y",
        "https://x/\ty",
    ):
        with pytest.raises(ValueError, match=r"^CALLTALLY_PUBLIC_URL: .* is not an address such as https"):
            read_settings({"CALLTALLY_PUBLIC_URL": text})
        with pytest.raises(ValueError, match=r"^public_url: .* is not an address"):
            read_settings({}, public_url=text)
