"""A vendor's server, asked politely over HTTP: one that is too busy is asked again later, one that refuses is not."""

import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx2
import orjson
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from calltally import __version__
from calltally.errors import InvalidRequest, Problem, Refused, Unavailable, shown
from calltally.exact_json import read_json
from calltally.localtime import can_be_written, moment
from calltally.records import read_rfc2822

__all__ = ["Answer", "Client"]

CONNECT_SECONDS = 10.0
SILENT_SECONDS = 60.0  # without a byte
ANSWER_SECONDS = 300.0  # for all of an answer
MOST_BYTES = 100_000_000
MOST_TRIES = 8
LONGEST_PAUSE = 60.0  # seconds, where the server does not say when to ask again
LONGEST_WAIT = 900.0  # seconds, where it does
BUSY = {408, 425, 429}
KEY = re.compile(r"[!-~]{1,500}")
THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
BACKOFF = wait_random_exponential(multiplier=1, max=LONGEST_PAUSE)


@dataclass(frozen=True)
class Answer:
    """The JSON value that a server answered with, when it was asked, and what its clock said then, if it told."""

    body: Any
    asked_at: datetime
    server_time: datetime | None


class _Later(Exception):
    """Not now; `seconds` is for how long the server wants to be left alone, if it says so."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds


class Client:
    """Asks a server with a key, which it tells to nobody else: it follows no redirect, and no message has it.

    `on_wait` is told why and for how long it waits before it asks again.
    """

    def __init__(
        self,
        name: str,
        address: str,
        key: str,
        on_wait: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Connect to nobody yet.

        Raises:
            InvalidRequest: this can be no key, or no address to send one to.
        """
        _check(address, key)
        self._name = name
        self._key = key
        self._on_wait = on_wait
        self._http = httpx2.Client(
            base_url=address,
            headers={
                "Authorization": f"Bearer {key}",
                "Accept": "application/json",
                "User-Agent": f"calltally/{__version__}",
            },
            timeout=httpx2.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=urlsplit(address).scheme == "https",  # without TLS a proxy of the environment would see the key
        )
        self._patiently = Retrying(
            retry=retry_if_exception_type(_Later),
            stop=stop_after_attempt(MOST_TRIES),
            wait=_pause,
            sleep=sleep,
            before_sleep=self._tell,
            reraise=True,
        )

    def get(self, path: str, params: Mapping[str, str]) -> Answer:
        """The answer to a request.

        Raises:
            Refused: the server does not take it, or sends elsewhere.
            Unavailable: it gives no answer, however often it is asked, or none for a long time.
        """
        try:
            return self._patiently(self._once, path, params)
        except _Later as later:
            message = f"{self._name} gives no answer ({later}), though asked {MOST_TRIES} times"
            raise Unavailable(message, ceil(later.seconds or 1)) from later

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _once(self, path: str, params: Mapping[str, str]) -> Answer:
        asked_at = datetime.now(UTC)
        try:
            with self._http.stream("GET", path, params=params) as response:
                content = self._content(response)
        except httpx2.RequestError as error:
            if why := _distrust(error):
                raise Refused(f"{self._name} shows a certificate that is not trusted ({why})") from error
            raise _Later(_reason(error)) from error
        if response.status_code != httpx2.codes.OK:
            raise self._failure(response, content)
        try:
            body = read_json(content)
        except orjson.JSONDecodeError as error:
            raise _Later("what it sent is not JSON") from error
        return Answer(body, asked_at, _moment(response.headers.get("Date", "")))

    def _content(self, response: httpx2.Response) -> bytes:
        """All of an answer, which is not to be endless."""
        content, deadline = bytearray(), time.monotonic() + ANSWER_SECONDS
        for part in response.iter_bytes():
            content += part
            if len(content) > MOST_BYTES:
                raise Refused(f"{self._name} answers with more than {MOST_BYTES:,} bytes", response.status_code)
            if time.monotonic() > deadline:
                raise _Later(f"its answer takes more than {ANSWER_SECONDS:.0f} seconds")
        return bytes(content)

    def _failure(self, response: httpx2.Response, content: bytes) -> Exception:
        """What to raise for an answer other than 200."""
        status, said = response.status_code, self._said(response, content)
        if status in BUSY or response.is_server_error:
            theirs = _moment(response.headers.get("Date", ""))
            wait = _retry_after(response.headers.get("Retry-After", ""), theirs or datetime.now(UTC))
            if wait is not None and wait > LONGEST_WAIT:
                return Unavailable(f"{self._name} wants to be asked again in {wait:,.0f} seconds ({said})", ceil(wait))
            return _Later(said, wait)
        if response.is_redirect:
            where = shown(self._without_key(response.headers.get("Location", "")))
            return Refused(f"{self._name} sends elsewhere, to {where}; if that is right, say so with --url", status)
        if status == httpx2.codes.UNAUTHORIZED:
            return Refused(f"{self._name} does not take the key ({said})", status)
        return Refused(f"{self._name} refuses to answer ({said})", status)

    def _said(self, response: httpx2.Response, content: bytes) -> str:
        """The status of an answer and the sentence in it, if there is one."""
        try:
            body = orjson.loads(content)
        except orjson.JSONDecodeError:
            body = None
        match body:
            case {"error": {"message": str(message)}}:
                return f"{response.status_code}: {shown(self._without_key(message))}"
        return f"{response.status_code} {self._without_key(response.reason_phrase)}".strip()

    def _without_key(self, text: str) -> str:
        """What the server said, which may give the key back, also as an address has it."""
        return text.replace(self._key, "...").replace(quote(self._key, safe=""), "...")

    def _tell(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        wait, turn = state.upcoming_sleep, state.attempt_number + 1
        self._on_wait(f"{self._name}: {error}; asking again in {wait:.0f} s (try {turn} of {MOST_TRIES})")


def _check(address: str, key: str) -> None:
    problems = []
    plain = False
    if not KEY.fullmatch(key):
        problems.append(Problem("key", "key: it has blanks or characters that no key has, or is empty"))
    try:
        url = urlsplit(address)
        plain = url.scheme == "http" and url.hostname not in THIS_MACHINE
        usable = (
            url.scheme in {"http", "https"}
            and not plain
            and url.hostname
            and not (url.query or url.fragment or url.username)
        )
        usable = usable and bool(httpx2.URL(address))
    except (ValueError, httpx2.InvalidURL):
        usable = False
    if not usable:
        readable = " (over http others could read the key)" if plain else ""
        wrong = f"--url: {shown(address)} is not an address such as https://example.com/api/v1{readable}"
        problems.append(Problem("url", wrong))
    if problems:
        raise InvalidRequest(tuple(problems))


def _reason(error: httpx2.RequestError) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return "it took too long"
    return str(error) or type(error).__name__


def _distrust(error: BaseException | None) -> str:
    """What is wrong with a certificate, if that is the reason: it would be wrong the next time too."""
    while error:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return ""


def _pause(state: RetryCallState) -> float:
    """For how many seconds to wait: longer each time, by chance, and not shorter than the server says."""
    error = state.outcome.exception() if state.outcome else None
    said = error.seconds if isinstance(error, _Later) else None
    return max(BACKOFF(state), said or 0.0)


def _retry_after(header: str, now: datetime) -> float | None:
    """Seconds from now, by the clock of the server; the header says them as such or as a moment; None: neither."""
    if re.fullmatch("[0-9]{1,9}", header):
        return float(header)
    then = _moment(header)
    return max((then - now).total_seconds(), 0.0) if then else None


def _moment(header: str) -> datetime | None:
    """The moment in a header; None: it has none."""
    instant = read_rfc2822(header)
    return moment(instant) if instant is not None and can_be_written(instant) else None
