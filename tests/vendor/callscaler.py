"""CallScaler as its pages describe it, small: a real HTTP server with calls that change, and with faults on demand.

What it counts itself comes from `tests.reference`, which shares nothing with the server under test.
"""

import base64
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests import reference

KEY = "cs_key_0123456789abcdef"
CAP = 500
CALLS, REPORT = "/api/v1/calls", "/api/v1/analytics/calls"


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    path: str
    params: Mapping[str, str]


class Handler(BaseHTTPRequestHandler):
    """One request; a fault, where one is planned, answers in its own way."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        request = Request(url.path, dict(parse_qsl(url.query)))
        status, body = self.server.vendor.answer(request, self.headers.get("Authorization", ""))
        fault = self.server.vendor.next_fault(request)
        (fault or answer)(self, status, json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Server(ThreadingHTTPServer):
    """Knows whose server it is."""

    daemon_threads = True
    vendor: "CallScaler"

    def handle_error(self, *_: object) -> None:
        """Nothing: clients may be killed, and faults break connections."""


Fault = Callable[[Handler, int, bytes], None]
Shape = Callable[[dict[str, Any]], dict[str, Any]]


def answer(handler: Handler, status: int, content: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def refusal(status: int, message: str = "Not now", **headers: str) -> Fault:
    """An error in the envelope of the vendor."""

    def fault(handler: Handler, _: int, __: bytes) -> None:
        content = json.dumps({"error": {"code": str(status), "message": message}}).encode()
        answer(handler, status, content, **headers)

    return fault


def gateway(handler: Handler, status: int, content: bytes) -> None:
    """What a proxy says for a server that is not there."""
    answer(handler, 502, b"<html>Bad Gateway</html>", Content_Type="text/html")


def garbage(handler: Handler, status: int, content: bytes) -> None:
    answer(handler, status, content[: len(content) // 2])


def cut_off(handler: Handler, status: int, content: bytes) -> None:
    """Half an answer, and the connection is closed as if that were all."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])
    handler.close_connection = True


def reset(handler: Handler, status: int, content: bytes) -> None:
    """Half an answer, and the connection is torn."""
    cut_off(handler, status, content)
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def silent(handler: Handler, status: int, content: bytes) -> None:
    """Nothing at all, until whoever asks has gone."""
    handler.close_connection = not handler.rfile.read(1)


def held(reached: threading.Event, released: threading.Event) -> Fault:
    """No answer until it is released."""

    def fault(handler: Handler, status: int, content: bytes) -> None:
        reached.set()
        released.wait(60)
        answer(handler, status, content)

    return fault


def saying(body: bytes) -> Fault:
    """Something else."""

    def fault(handler: Handler, status: int, _: bytes) -> None:
        answer(handler, status, body)

    return fault


def then(change: Callable[[], None]) -> Fault:
    """The answer, after which something changes at the vendor."""

    def fault(handler: Handler, status: int, content: bytes) -> None:
        change()
        answer(handler, status, content)

    return fault


@dataclass
class Stored:
    """A call at the vendor: where it stands in the order of pages, and when it was last changed."""

    place: int
    record: dict[str, Any]
    changed_at: datetime


class CallScaler:
    """The vendor: its calls, what was asked, and the faults with which it answers the next requests."""

    def __init__(self, timezone: str = "America/New_York", page_size: int = CAP) -> None:
        self.timezone = timezone
        self.page_size = page_size
        self.requests: list[Request] = []
        self.faults: deque[Fault | None] = deque()  # for the next requests, in order
        self.report_faults: deque[Fault | None] = deque()  # those for its report
        self.lies: dict[tuple[str, str], Any] = {}  # what it says of a metric on a day
        self.circles = False
        self.shape: Shape = dict  # how it forms the answer that holds a page
        self.server_address = ""
        self._calls: dict[str, Stored] = {}
        self._last: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def put(self, records: Sequence[dict[str, Any]], changed_at: datetime | None = None) -> None:
        """Have these calls; those that are there already are changed."""
        with self._lock:
            for record in records:
                place = self._calls[record["id"]].place if record["id"] in self._calls else len(self._calls) + 1
                moment = changed_at or datetime.now(UTC)
                self._calls[record["id"]] = Stored(place, dict(record), moment)

    def change(self, call_id: str, **values: Any) -> None:
        """Change a call."""
        self.put([self._calls[call_id].record | values])

    def forget(self, call_id: str) -> None:
        """Have a call no more."""
        del self._calls[call_id]

    def calls(self) -> list[reference.Call]:
        """All calls, as the contract reads them."""
        business = reference.Business(self.timezone, "US")
        business.apply_file([stored.record for stored in self._calls.values()])
        return business.calls()

    def asked(self, path: str = CALLS) -> list[Mapping[str, str]]:
        """The parameters of the requests to a path so far."""
        return [request.params for request in self.requests if request.path == path]

    def answer(self, request: Request, authorization: str) -> tuple[int, dict[str, Any]]:
        """Status and body."""
        self.requests.append(request)
        if authorization != f"Bearer {KEY}":
            return 401, {"error": {"code": "401", "message": "Invalid API key"}}
        with self._lock:
            match request.path:
                case "/api/v1/calls":
                    return self._page(request.params)
                case "/api/v1/analytics/calls":
                    return 200, self._report(request.params)
        return 404, {"error": {"code": "404", "message": "Not found"}}

    def next_fault(self, request: Request) -> Fault | None:
        """The fault that is planned for a request, if there is one."""
        planned = self.faults if request.path == CALLS else self.report_faults
        return planned.popleft() if planned else None

    def repeated(self, handler: Handler, status: int, content: bytes) -> None:
        """A fault: the page before this one, once more."""
        answer(handler, status, json.dumps(self._last).encode())

    def _page(self, params: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        since = datetime.fromisoformat(params.get("updated_since", "1970-01-01T00:00:00+00:00"))
        after = _place(params["cursor"]) if "cursor" in params else int(params.get("offset", "0"))
        if after is None:
            return 400, {"error": {"code": "400", "message": "Invalid cursor"}}
        size = min(int(params.get("limit", "50")), CAP, self.page_size)
        in_order = sorted(self._calls.values(), key=lambda stored: stored.place)
        found = [stored for stored in in_order if stored.place > after and stored.changed_at >= since]
        body: dict[str, Any] = {"calls": [stored.record for stored in found[:size]], "total": len(found)}
        body["next_cursor"] = cursor_after(found[size - 1].place) if len(found) > size else None
        if self.circles and body["next_cursor"]:
            body["next_cursor"] = params.get("cursor", body["next_cursor"])
        self._last, before = {"data": body}, self._last
        if self.faults and self.faults[0] == self.repeated:
            self._last = before
        return 200, self.shape({"data": body})

    def _report(self, params: Mapping[str, str]) -> dict[str, Any]:
        business = reference.Business(self.timezone, "US")
        business.apply_file([stored.record for stored in self._calls.values()])
        found = reference.report(business.calls(), self.timezone, list(params.items()))
        for row in found["data"]["data"]:
            for (day, metric), said in self.lies.items():
                if row["date"] == day:
                    row[metric] = said
        return found


def cursor_after(place: int) -> str:
    return base64.urlsafe_b64encode(f"after {place}".encode()).decode()


def _place(cursor: str) -> int | None:
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("after "))
    except ValueError:
        return None


@contextmanager
def running(vendor: CallScaler) -> Iterator[CallScaler]:
    """The vendor, whose server listens at `vendor.server_address`."""
    server = Server(("127.0.0.1", 0), Handler)
    server.vendor = vendor
    vendor.server_address = f"http://127.0.0.1:{server.server_port}/api/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield vendor
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def records(number: int, start: int = 0) -> list[dict[str, Any]]:
    """Calls as the vendor sends them, over some days around the one on which clocks change."""
    return [_record(n) for n in range(start, start + number)]


def _record(n: int) -> dict[str, Any]:
    analysed = n % 3 > 0
    return {
        "id": f"call-{n:05}",
        "created_at": f"2026-03-{6 + n % 5:02}T{n % 24:02}:{n % 60:02}:{n % 59:02}.{n % 1000:03}Z",
        "caller_number": ("+13055551234", "(305) 555-1234", "anonymous", f"+1212555{n % 10_000:04}")[n % 4],
        "caller_name": "Somebody",
        "tracking_number": f"+1786555{n % 7:04}",
        "destination_number": "+13055550100",
        "direction": "outbound" if n % 11 == 0 else "inbound",
        "status": ("completed", "no-answer", "voicemail", "busy")[n % 4],
        "duration_seconds": n % 600,
        "call_flow_name": f"Flow {n % 3}",
        "source": ("google", "facebook", None)[n % 3],
        "utm_source": None,
        "utm_medium": "cpc",
        "utm_campaign": "spring, 🌱",
        "ai_score": n % 101 if analysed else None,
        "ai_category": "lead" if analysed else None,
        "qualified_ai": n % 2 == 0 if analysed else None,
        "qualification_reason": None,
        "robo_score": n % 50,
        "value_cents": n * 100,
        "cost_cents": 7,
        "recording_url": "https://example.com/r.mp3",
        "recording_duration": n % 600,
        "has_transcription": False,
        "keywords_spotted": ["price"],
    }
