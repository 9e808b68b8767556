"""FORMS: the forms in which a report is given, each with how it is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from calltally.accounts import Business
from calltally.api.bodies import dumped, report_data, written
from calltally.api.tables import table
from calltally.charts import Drawer, Picture, chart
from calltally.engines import Stop
from calltally.query import Question, Report

__all__ = ["FORMS", "JSON", "Form", "Making"]


@dataclass(frozen=True)
class Making:
    """What it takes to give a report a form."""

    question: Question
    business: Business
    drawer: Drawer
    stop: Stop


@dataclass(frozen=True)
class Form:
    """A form of a report, and how its address ends; `pictured`: it can be asked how it is to look."""

    name: str
    media_type: str
    make: Callable[[Report, Making], bytes]
    pictured: bool = False
    packs: bool = True  # whether compressing it is worth while
    attached: bool = False  # whether it is for keeping rather than for looking at
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def bare_media_type(self) -> str:
        """The media type without its parameters."""
        return self.media_type.partition(";")[0]

    def headers_of(self, question: Question) -> Mapping[str, str]:
        """The headers of its own that an answer has."""
        if not self.attached:
            return self.headers
        name = "-".join(dimension.name.replace("_", "-") for dimension in question.query.dimensions)
        return {**self.headers, "Content-Disposition": f'attachment; filename="calls-by-{name}.{self.name}"'}


def _json(report: Report, _: Making) -> bytes:
    return written(report)


def _csv(report: Report, _: Making) -> bytes:
    return table(report)


def _chart(report: Report, making: Making) -> bytes:
    return dumped({"data": {"report": report_data(report), "chart": _specification(report, making)}})


def _specification(report: Report, making: Making) -> dict[str, object]:
    look = making.question.look
    assert look  # noqa: S101 - a form that is pictured has one
    return chart(report, look, making.business.currency)


def _drawn(kind: Picture) -> Callable[[Report, Making], bytes]:
    def make(report: Report, making: Making) -> bytes:
        return making.drawer.draw(kind, dumped(_specification(report, making)), making.stop)

    return make


# A picture that is opened on its own runs and loads nothing.
FENCE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}

JSON = Form("", "application/json", _json)
FORMS = (
    Form("csv", "text/csv; charset=utf-8", _csv, attached=True),
    Form("svg", "image/svg+xml", _drawn("svg"), pictured=True, headers=FENCE),
    Form("png", "image/png", _drawn("png"), pictured=True, packs=False, headers=FENCE),
    Form("chart.json", "application/json", _chart, pictured=True),
)
