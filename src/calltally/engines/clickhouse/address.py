"""Where the servers are and how to be let in, read from one URL."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

__all__ = ["Address", "read_address"]

EXAMPLE = "clickhouse://user:password@host1:9000,host2:9000/calltally?cluster=calls"
PORT, SECURE_PORT = 9000, 9440
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CLUSTER = re.compile(r"[A-Za-z0-9_.-]+")
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?")
SWITCH = {"true": True, "false": False}
OPTIONS = ("cluster", "secure", "verify", "ca")


@dataclass(frozen=True)
class Address:
    """A database on one server, or on all of a cluster; any of the hosts can be asked."""

    hosts: tuple[tuple[str, int], ...]
    user: str
    password: str = field(repr=False)
    database: str
    cluster: str | None = None  # as the servers' own configuration calls it; None: one server
    secure: bool = False
    verify: bool = True  # the certificates of the servers
    ca: str | None = None  # file of the certificates of those who signed them; None: those of the system


def read_address(url: str) -> Address:
    """The address that a URL spells.

    Raises:
        ValueError: it spells none; the message says why, without the password.
    """
    parts = _split(url)
    options = _options(parts.query)
    secure = _switch(options, "secure", default=False)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    database, cluster = parts.path.strip("/"), options.get("cluster")
    if not NAME.fullmatch(database):
        raise ValueError(f"the name of the database, letters and digits, belongs behind the hosts: {EXAMPLE}")
    if cluster is not None and not CLUSTER.fullmatch(cluster):
        raise ValueError(f"'{cluster}' is not the name of a cluster")
    return Address(
        tuple(_host(host, SECURE_PORT if secure else PORT) for host in hosts.split(",")),
        unquote(user) or "default",
        unquote(password),
        database,
        cluster,
        secure,
        _switch(options, "verify", default=True),
        options.get("ca"),
    )


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # whose message can repeat all between the slashes, the password too
        raise ValueError(f"its hosts cannot be read; it is written like {EXAMPLE}") from None


def _options(query: str) -> Mapping[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in OPTIONS:
            raise ValueError(f"'{name}' is not an option of it; those are {', '.join(OPTIONS)}")
    return options


def _switch(options: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = options.get(name)
    if text is None:
        return default
    if text not in SWITCH:
        raise ValueError(f"{name} is true or false, not '{text}'")
    return SWITCH[text]


def _host(text: str, port: int) -> tuple[str, int]:
    found = HOST.fullmatch(text)
    if not found:
        raise ValueError(f"'{text}' is not a host such as db1.example.com:9000")
    return found[1].strip("[]"), int(found[2] or port)
