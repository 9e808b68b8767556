"""SETTINGS: everything that can be set, with its default and meaning; read once, at start-up, from the environment."""

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = ["SETTINGS", "Network", "Setting", "Settings", "networks", "read_settings", "size_bytes"]

PREFIX = "CALLTALLY_"
# What the database takes for a size, but for what is less than none, which it takes for all that there is.
SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,3})?) ?([KMGT]I?)B?", re.IGNORECASE | re.ASCII)
BLANK = re.compile(r"\s")
SHARE = re.compile(r"100%|[1-9][0-9]?%", re.ASCII)
UNITS = {name: 10 ** (3 * n) for n, name in enumerate("KMGT", 1)} | {
    f"{name}I": 2 ** (10 * n) for n, name in enumerate("KMGT", 1)
}
LEVELS = ("debug", "info", "warning", "error")
LEAST_MEMORY = 16 * 10**6  # with less, not even a small file can be written
MOST_BYTES = 2**60
MOST_THREADS = 1024  # that many are made at once; of a number mistyped, more than a machine bears

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Check = Callable[[str], str]


def size_bytes(text: str) -> int:
    """The bytes of a size as the database takes it, such as 2GB or 1.5 GiB; less than none if it is no size."""
    found = SIZE.fullmatch(text)
    return int(float(found[1]) * UNITS[found[2].upper()]) if found else -1


def networks(text: str) -> tuple[Network, ...]:
    """The networks of a list of addresses and networks, separated by commas.

    Raises:
        ValueError: one of them is neither; the message names it.
    """
    return tuple(_network(part.strip()) for part in text.split(",") if part.strip())


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"'{text}' is neither an address nor a network such as 10.0.0.0/8") from None


def _checked_networks(text: str) -> str:
    return ",".join(map(str, networks(text)))


def _checked_address(text: str) -> str:
    """The address without a slash at its end."""
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if (
        not whole
        or parts.username is not None
        or "?" in text
        or "#" in text
        or not text.isascii()
        or BLANK.search(text)
    ):
        raise ValueError(f"'{text}' is not an address such as https://calls.example.com")
    return text.rstrip("/")


def _checked_level(text: str) -> str:
    if text not in LEVELS:
        raise ValueError(f"'{text}' is not one of {', '.join(LEVELS)}")
    return text


def _checked_size(text: str) -> str:
    if text != "0" and not SHARE.fullmatch(text) and not 0 <= size_bytes(text) <= MOST_BYTES:
        raise ValueError(f"'{text}' is not a size such as 2GB, a share of the machine's memory such as 25%, or 0")
    return text


def _checked_memory(text: str) -> str:
    if not SHARE.fullmatch(text) and not LEAST_MEMORY <= size_bytes(text) <= MOST_BYTES:
        raise ValueError(
            f"'{text}' is not a size such as 2GB, 16MB at least, or a share of the machine's memory such as 25%"
        )
    return text


def _checked_spill(text: str) -> str:
    if text == "0":
        return "0KB"  # the database wants a unit
    if not 0 <= size_bytes(text) <= MOST_BYTES:
        raise ValueError(f"'{text}' is not a size such as 20GB, or 0 for none")
    return text


def _setting(
    default: Any,
    meaning: str,
    lowest: int | None = None,
    highest: int | None = None,
    *,
    check: Check | None = None,
) -> Any:
    return field(default=default, metadata={"help": meaning, "lowest": lowest, "highest": highest, "check": check})


@dataclass(frozen=True)
class Settings:
    """The settings of one process. Nothing below this module reads the environment."""

    data: Path = _setting(Path("calltally-data"), "Folder that holds everything: businesses, keys and calls")
    host: str = _setting("127.0.0.1", "Address that the server listens on")
    port: int = _setting(8080, "Port that the server listens on; 0: any that is free", 0, 65_535)
    public_url: str = _setting(
        "", "Address under which the world reaches the server, where a proxy stands in front", check=_checked_address
    )
    trusted_proxies: str = _setting(
        "",
        "Addresses and networks of proxies, separated by commas, whose X-Forwarded-For, -Proto and -Host are believed",
        check=_checked_networks,
    )
    control_url: str = _setting(
        "",
        "Where businesses and keys are kept; empty: in a SQLite file of the folder. For several nodes, a database of "
        "PostgreSQL: postgresql://USER:PASSWORD@HOST:5432/DATABASE",
    )
    engine: str = _setting(
        "",
        "Where the calls are kept; empty: in files of the folder. For a ClickHouse cluster: "
        "clickhouse://USER:PASSWORD@HOST:9000,HOST:9000/DATABASE?cluster=NAME",
    )
    memory: str = _setting(
        "1GB",
        "Most memory that the database uses, all businesses together: a size such as 2GB, or a share of the machine's "
        "memory such as 25%",
        check=_checked_memory,
    )
    spill: str = _setting(
        "20GB",
        "Most disk space that large queries and imports may use for the moment: a size such as 20GB, or 0 for none",
        check=_checked_spill,
    )
    hot_memory: str = _setting(
        "25%",
        "Most memory for columns that reports are answered from sooner, all businesses together: a size such as 2GB, "
        "a share of the machine's memory such as 25%, or 0 for none",
        check=_checked_size,
    )
    threads: int = _setting(0, "Threads that the database uses; 0: one per core", 0, MOST_THREADS)
    reports: int = _setting(8, "Most reports that are worked on at once; the rest wait", 1)
    reports_per_business: int = _setting(4, "Most of them that are of one business", 1)
    reports_per_key: int = _setting(3, "Most of them that one key asked for", 1)
    waiting_reports: int = _setting(256, "Most reports that wait; beyond that they are answered 503", 1)
    waiting_reports_per_business: int = _setting(64, "Most of those that wait that are of one business", 1)
    report_seconds: float = _setting(30.0, "Time limit of a report, waiting included; then it is answered 503", 1)
    cache_megabytes: int = _setting(
        64,
        "Most memory for reports that are given again while nothing changes; 0: none, and each report counts all calls "
        "anew",
        0,
    )
    writers: int = _setting(8, "Most businesses whose calls are written at once", 1)
    waiting_records: int = _setting(
        50_000, "Most records that wait to be written; beyond that what is sent in is answered 503", 1
    )
    waiting_records_per_business: int = _setting(25_000, "Most of those that wait that are of one business", 1)
    waiting_megabytes: int = _setting(
        128,
        "Most of bodies that wait to be written, and as much again of streams; beyond that they are answered 503",
        1,
    )
    waiting_megabytes_per_business: int = _setting(64, "Most of those that are of one business", 1)
    session_days: int = _setting(30, "Days after which a browser that has signed in has to sign in again", 1, 3650)
    log_level: str = _setting(
        "info", "What the server writes to its log: debug, info, warning or error", check=_checked_level
    )
    open_businesses: int = _setting(64, "Most business files that are kept open while nobody asks for them", 0)


@dataclass(frozen=True)
class Setting:
    """One setting, for help and docs."""

    name: str
    variable: str
    type: type
    default: Any
    help: str
    lowest: int | None
    highest: int | None
    check: Check | None  # gives a text back in the form in which it is used, or raises ValueError


SETTINGS = tuple(
    Setting(f.name, PREFIX + f.name.upper(), type(f.default), f.default, **f.metadata)
    for f in fields(Settings)
    if f.default is not MISSING
)


def read_settings(environment: Mapping[str, str], **given: Any) -> Settings:
    """The settings of the environment, under those `given` that are not None.

    Raises:
        ValueError: a value is not of its setting's type, or not one that can be had; the message names its variable,
            or the setting where it was given.
    """
    chosen: dict[str, Any] = {}
    for setting in SETTINGS:
        if given.get(setting.name) is not None:
            chosen[setting.name] = _checked(setting, given[setting.name], setting.name, given[setting.name])
        elif text := environment.get(setting.variable):
            chosen[setting.name] = _checked(setting, _value(setting, text), setting.variable, text)
    return Settings(**chosen)


def _value(setting: Setting, text: str) -> Any:
    try:
        value = type(setting.default)(text)
        if setting.type is float and not math.isfinite(value):
            raise ValueError
    except ValueError:
        kind = "whole number" if setting.type is int else "number"
        raise ValueError(f"{setting.variable}: '{text}' is not a {kind}") from None
    return value


def _checked(setting: Setting, value: Any, said_by: str, given: object) -> Any:
    if setting.lowest is not None and value < setting.lowest:
        raise ValueError(f"{said_by}: '{given}' is too low; it can be {setting.lowest} or more")
    if setting.highest is not None and value > setting.highest:
        raise ValueError(f"{said_by}: '{given}' is too high; it can be {setting.highest} or less")
    if setting.check is None or not value:
        return value
    try:
        return setting.check(value)
    except ValueError as error:
        raise ValueError(f"{said_by}: {error}") from None
