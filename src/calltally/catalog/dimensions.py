"""DIMENSIONS: one entry for each thing that calls are grouped by, in the order of the published document."""

from calltally.catalog.types import Dimension, Grain

__all__ = ["DIMENSIONS"]


def _text(name: str, label: str, description: str) -> Dimension:
    return Dimension(name, label, description, field=name)


def _time(grain: Grain, label: str, description: str) -> Dimension:
    return Dimension(grain.value, label, description, field="started_at", grain=grain)


DIMENSIONS = (
    _text("source", "Source", "Traffic source (google, facebook, direct, …)"),
    _text("utm_source", "UTM source", "UTM source parameter"),
    _text("utm_medium", "UTM medium", "UTM medium parameter"),
    _text("utm_campaign", "UTM campaign", "UTM campaign parameter"),
    _text("utm_term", "UTM term", "UTM term parameter"),
    _text("call_flow", "Call flow", "Name of the call flow"),
    _text("call_flow_id", "Call flow id", "Id of the call flow"),
    _text("tracking_number", "Tracking number", "The number that was called, E.164 where it is one"),
    _text("number_id", "Number id", "Id of the tracking number"),
    _text("ai_category", "AI category", "AI category (lead, spam, …)"),
    _text("status", "Status", "How the call ended (completed, no-answer, …)"),
    _text("direction", "Direction", "inbound or outbound"),
    _time(Grain.DATE, "Date", "Local day, such as 2026-03-09"),
    _time(Grain.WEEK, "Week", "Local week, named by the Monday that starts it"),
    _time(Grain.MONTH, "Month", "Local month, such as 2026-03"),
    _time(Grain.HOUR_OF_DAY, "Hour of day", "Local hour, 0 to 23"),
    _time(Grain.DAY_OF_WEEK, "Day of week", "Local day of the week, 0 (Sunday) to 6 (Saturday)"),
)
