"""Reports made by hand, their charts, and what stands in a picture."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from calltally.accounts import Business
from calltally.charts import Drawer, chart
from calltally.engines import Stop
from calltally.query import Look, Report, Timing, ask

ACME = Business("b", "Acme", "UTC", "US", "USD", 1, datetime(2026, 1, 1, tzinfo=UTC))
Cell = str | int | float | None
Row = Mapping[str, Cell]


def report(group_by: str, rows: Sequence[Sequence[Cell]], metrics: str = "count", **more: str) -> Report:
    """A report whose rows hold these cells; its totals are the sums of its rows."""
    query = ask(urlencode({"group_by": group_by, "metrics": metrics, **more}).encode(), ACME, Timing()).query
    names = [*group_by.split(","), *metrics.split(",")]
    filled = tuple(dict(zip(names, row, strict=True)) for row in rows)
    totals = {name: sum(row[name] or 0 for row in filled) for name in metrics.split(",")}  # type: ignore[misc]
    return Report(filled, totals, query)


def charted(
    found: Report, width: int = 800, height: int | None = None, theme: str = "light", currency: str = "USD"
) -> dict[str, Any]:
    """The specification of a report's chart."""
    return chart(found, Look(theme, width, height), currency)


def svg(drawer: Drawer, specification: Mapping[str, Any]) -> ET.Element:
    """The picture of a specification."""
    return ET.fromstring(drawer.draw("svg", json.dumps(specification).encode(), Stop()))


def texts(picture: ET.Element) -> list[str]:
    """The texts that can be read in a picture, in the order in which they are drawn."""
    found = picture.iter("{http://www.w3.org/2000/svg}text")
    return [text for text in ("".join(each.itertext()) for each in found) if text]


def marks(picture: ET.Element) -> list[str]:
    """What the marks of a picture say to those who cannot see it: `google: 12`."""
    found = picture.iter("{http://www.w3.org/2000/svg}path")
    labels = [mark.get("aria-label") for mark in found if mark.get("aria-hidden") != "true"]
    return [label for label in labels if label]


def kind(specification: Mapping[str, Any]) -> str:
    """Of which kind a chart is."""
    return re.sub(r"\..*", "", specification["description"], flags=re.S)


@pytest.fixture(scope="session")
def drawer() -> Iterator[Drawer]:
    with closing(Drawer()) as opened:
        yield opened
