"""METRICS: one entry a metric. A new one is an entry here and its reference answer in the tests."""

from calltally.catalog.expressions import Count, CountDistinct, IsSet, Ratio, Sum, ValueIs
from calltally.catalog.types import Metric, Unit

__all__ = ["METRICS"]

METRICS = (
    Metric("count", "Calls", "Number of calls", Unit.CALLS, Count()),
    Metric(
        "avg_duration",
        "Average duration",
        "Mean duration of the calls that have one",
        Unit.SECONDS,
        Ratio(Sum("duration_seconds"), Count(IsSet("duration_seconds"))),
    ),
    Metric("total_duration", "Total duration", "Sum of durations", Unit.SECONDS, Sum("duration_seconds")),
    Metric(
        "avg_ai_score",
        "Average AI score",
        "Mean AI quality score of the calls that have one",
        Unit.SCORE,
        Ratio(Sum("ai_score"), Count(IsSet("ai_score"))),
    ),
    Metric(
        "qualified_count",
        "Qualified calls",
        "Calls that were judged qualified",
        Unit.CALLS,
        Count(ValueIs("qualified", True)),
    ),
    Metric(
        "qualified_pct",
        "Qualified",
        "Share of all calls that were judged qualified",
        Unit.PERCENT,
        Ratio(Count(ValueIs("qualified", True)), Count(), scale=100, decimals=1),
    ),
    Metric(
        "total_value_cents",
        "Total value",
        "Sum of the value assigned to calls",
        Unit.CENTS,
        Sum("value_cents"),
    ),
    Metric(
        "unique_callers",
        "Unique callers",
        "Exact number of different caller numbers; calls without one are not counted",
        Unit.CALLERS,
        CountDistinct("caller_number"),
    ),
    Metric(
        "answered_count",
        "Answered calls",
        "Calls with status completed",
        Unit.CALLS,
        Count(ValueIs("status", "completed")),
    ),
    Metric(
        "missed_count",
        "Missed calls",
        "Calls with status no-answer",
        Unit.CALLS,
        Count(ValueIs("status", "no-answer")),
    ),
    Metric(
        "voicemail_count",
        "Voicemails",
        "Calls with status voicemail",
        Unit.CALLS,
        Count(ValueIs("status", "voicemail")),
    ),
    Metric(
        "avg_robo_score",
        "Average robocall score",
        "Mean robocall score of the calls that have one",
        Unit.SCORE,
        Ratio(Sum("robo_score"), Count(IsSet("robo_score"))),
    ),
    Metric("total_cost_cents", "Total cost", "Sum of the cost of calls", Unit.CENTS, Sum("cost_cents")),
)
