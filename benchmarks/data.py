"""Made-up calls by the million, as files of every kind that can be imported.

DuckDB makes them, each from the hash of its place alone; so they are the same on every machine, and no call waits for
another. Numbers and booleans are such where a kind of file has them; times are text, as in files from elsewhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, zip_longest
from pathlib import Path

import duckdb

__all__ = ["Calls", "make_calls", "make_parquet"]

FIRST_MONDAY = "2024-01-01 05:00:00"  # midnight in New York, whose standard time the rhythm keeps all year
WEEKS = 104
LONGEST_TALK = 3000

# Calls an hour from midnight on, and how the days compare from Monday on.
HOURS = (2, 1, 1, 1, 2, 6, 20, 58, 94, 106, 101, 88, 56, 76, 88, 84, 72, 56, 36, 24, 14, 8, 4, 2)
DAYS = (11, 10, 10, 10, 9, 4, 1)
MOMENTS = 2048

CAMPAIGNS = {
    ("google", "cpc"): 14,
    ("facebook", "paid_social"): 9,
    ("bing", "cpc"): 7,
    ("tiktok", "paid_social"): 4,
    ("yelp", "listing"): 3,
    ("email", "email"): 3,
}
TOPICS = ("repair", "install", "tune-up", "emergency", "estimate", "membership", "drains")
SERVICES = ("plumber", "ac repair", "furnace repair", "water heater", "drain cleaning", "heat pump", "electrician")
PLACES = ("near me", "cost", "open now", "queens", "brooklyn", "newark", "yonkers", "today", "reviews", "prices")
TERMS = tuple(f"{service} {place}" for place in PLACES for service in SERVICES)
FLOWS = ("Reception", "Estimates", "Emergency", "Members", "After hours")
CATEGORIES = ("lead", "lead", "lead", "existing_customer", "existing_customer", "wrong_number", "vendor", "spam")


@dataclass(frozen=True)
class Calls:
    """The files that hold the same `count` calls."""

    count: int
    csv: Path
    ndjson: Path
    parquet: Path


@dataclass(frozen=True)
class Origin:
    """Where calls come from: a campaign, a source without one, or nobody knows."""

    source: str | None
    medium: str | None = None
    campaign: str | None = None


def _origins() -> tuple[Origin, ...]:
    """All origins, those first that bring the most calls."""
    by_source = [
        [Origin(source, medium, f"{TOPICS[k % len(TOPICS)]}-{source}-{k + 1:02}") for k in range(campaigns)]
        for (source, medium), campaigns in CAMPAIGNS.items()
    ]
    campaigns = [origin for rank in zip_longest(*by_source) for origin in rank if origin is not None]
    return (campaigns[0], Origin("direct"), *campaigns[1:4], Origin("referral"), *campaigns[4:], Origin(None))


ORIGINS = _origins()
UNKNOWN_ORIGIN = len(ORIGINS) - 1


def make_calls(count: int, folder: Path) -> Calls:
    """The files of so many calls in this folder; those that exist are kept as they are."""
    parquet = make_parquet(count, folder)
    calls = Calls(count, folder / f"calls-{count}.csv", folder / f"calls-{count}.ndjson", parquet)
    # The others are read off the Parquet file, which is quicker than making the calls anew.
    _write(calls.csv, f"FROM {_text(str(calls.parquet))}", "FORMAT csv, HEADER")
    _write(calls.ndjson, f"FROM {_text(str(calls.parquet))}", "FORMAT json")
    return calls


def make_parquet(count: int, folder: Path) -> Path:
    """The one of these files that is quickest to make and to import."""
    folder.mkdir(parents=True, exist_ok=True)
    parquet = folder / f"calls-{count}.parquet"
    _write(parquet, _query(count), "FORMAT parquet")
    return parquet


def _write(path: Path, query: str, options: str) -> None:
    if path.exists():
        return
    part = path.with_name(f"{path.name}.part")  # a run that is broken off leaves no half file behind
    with duckdb.connect() as database:
        database.execute(f"COPY ({query}) TO {_text(str(part))} ({options})")
    part.replace(path)


def _query(count: int) -> str:
    """The calls, ordered by start. Each step names what the next ones use more than once."""
    return f"""
        WITH places AS (
            SELECT range AS place, {_whole(1, 100)} < 6 AS outbound, {_whole(2, 1000)} AS luck FROM range({count})
        ),
        causes AS (
            SELECT
                *,
                {_week(count)} AS week,
                {_caller_number()} AS caller,
                if(outbound, {UNKNOWN_ORIGIN}, {_skewed(3, len(ORIGINS))}) AS origin,
                CASE WHEN luck < 740 THEN 'completed' WHEN luck < 870 THEN 'no-answer' WHEN luck < 960 THEN 'voicemail'
                    WHEN luck < 985 THEN 'busy' ELSE 'failed' END AS status,
            FROM places
        ),
        outcomes AS (
            SELECT
                *,
                CASE status WHEN 'completed' THEN 5 + {_skewed(4, LONGEST_TALK)} WHEN 'voicemail' THEN {_whole(4, 60)}
                    WHEN 'failed' THEN NULL ELSE 0 END AS duration,
                CASE WHEN status = 'completed' AND duration >= 15 AND NOT outbound AND {_whole(5, 100)} < 96
                    THEN greatest(0, 85 - origin - {_whole(6, 60)} + {_whole(7, 15)}) END AS score,
                {_of_origin(origin.medium for origin in ORIGINS)} AS medium,
            FROM causes
        ),
        calls AS (
            SELECT
                format('call_{{:08x}}{{:08x}}', place, {_whole(8, 2**32)}) AS id,
                strftime({_start()}, '%Y-%m-%dT%H:%M:%S.%gZ') AS started_at,
                CASE WHEN {_whole(9, 100)} >= 4 THEN {_spelled("caller")} END AS caller_number,
                {_of_origin(f"+13325551{index:03}" for index in range(len(ORIGINS)))} AS tracking_number,
                CASE WHEN status IN ('completed', 'no-answer', 'busy')
                    THEN format('+1332555{{:04}}', {_whole(10, 40)}) END AS destination_number,
                if(outbound, 'outbound', 'inbound') AS direction,
                status,
                duration AS duration_seconds,
                {_of_origin(origin.source for origin in ORIGINS)} AS source,
                {_of_origin(origin.medium and origin.source for origin in ORIGINS)} AS utm_source,
                medium AS utm_medium,
                {_of_origin(origin.campaign for origin in ORIGINS)} AS utm_campaign,
                CASE WHEN medium = 'cpc' THEN {_item(TERMS, _skewed(11, len(TERMS)))} END AS utm_term,
                CASE WHEN medium IS NOT NULL AND {_whole(12, 100)} < 70
                    THEN format('ad-{{}}', {_skewed(13, 12)}) END AS utm_content,
                {_item(FLOWS, f"origin % {len(FLOWS)}")} AS call_flow,
                format('flow_{{:04}}', origin % {len(FLOWS)}) AS call_flow_id,
                format('num_{{:04}}', origin) AS number_id,
                CASE WHEN medium IS NOT NULL THEN format('group_{{:02}}', origin % 6) END AS number_group_id,
                score AS ai_score,
                CASE WHEN NOT outbound
                    THEN if({_whole(14, 100)} < 6, 75 + {_whole(15, 26)}, {_skewed(15, 40)}) END AS robo_score,
                CASE WHEN score IS NOT NULL THEN {_item(CATEGORIES, _whole(16, len(CATEGORIES)))} END AS ai_category,
                score >= 55 AND ai_category IN ('lead', 'existing_customer') AS qualified,
                CASE WHEN qualified AND {_whole(17, 100)} < 60
                    THEN 100 * (80 + {_skewed(18, 4000)}) END AS value_cents,
                CASE WHEN status <> 'failed' THEN 4 * (duration // 60 + 1)
                    + if(medium IN ('cpc', 'paid_social'), 300 + {_whole(19, 3000)}, 0) END AS cost_cents,
            FROM outcomes
        )
        SELECT * FROM calls
    """


def _whole(salt: int, limit: int) -> str:
    """A whole number below a limit, all of them equally often."""
    return f"({_hash(salt)} % {limit})::BIGINT"


def _share(salt: int) -> str:
    """A fraction from 0 to below 1."""
    return f"(({_hash(salt)} >> 11)::DOUBLE / {2**53})"


def _skewed(salt: int, limit: int) -> str:
    """A whole number below a limit, small ones far more often."""
    # A product, for powers and logarithms may differ in their last digit between machines.
    return f"floor({_share(salt)} * {_share(salt)} * {_share(salt)} * {limit})::BIGINT"


def _hash(salt: int) -> str:
    # Of one number that is different for every place and salt: the hash of two arguments only combines theirs, and
    # whatever is drawn with two salts would go together.
    return f"hash(place * 64 + {salt})"


def _week(count: int) -> str:
    """When the call comes, in weeks: k of n calls have come when they should have, so that no sort is needed.

    Twice as many calls come at the end as at the beginning; this is the inverse of their growing number.
    """
    return f"{WEEKS} * (sqrt(1 + 3 * ((place + {_share(20)}) / {count})) - 1)"


def _start() -> str:
    moments = _moments([day * hour for day in DAYS for hour in HOURS])
    position = f"((week - floor(week)) * {MOMENTS})"
    low, high = (f"{moments}[{step} + floor({position})::INTEGER]" for step in (1, 2))
    hours = f"(168 * floor(week) + {low} + ({high} - {low}) * ({position} - floor({position})))"
    return f"(TIMESTAMP '{FIRST_MONDAY}' + to_microseconds(({hours} * 3600000000)::BIGINT))"


def _moments(weights: Sequence[int]) -> list[float]:
    """The hours of the week, with fractions, by which every MOMENTS-th part of a week's calls has come."""
    bounds = list(pairwise(accumulate(weights, initial=0)))
    moments, hour = [], 0
    for step in range(MOMENTS + 1):
        come = bounds[-1][1] * step / MOMENTS
        while come > bounds[hour][1]:
            hour += 1
        low, high = bounds[hour]
        moments.append(hour + (come - low) / (high - low))
    return moments


def _caller_number() -> str:
    """The ten digits of the caller: the newest of two callers for five calls, or one before, mostly of late."""
    newest = "(place * 2 // 5)"
    back = f"floor({_share(22)} * {_share(22)} * {newest})::BIGINT"
    caller = f"({newest} - if({_whole(21, 100)} < 42, 0, {back}))"
    # The prime scatters the callers, no two to one number, over all with area code and exchange from 200 to 999.
    scattered = f"({caller} * 2654435761 % 6400000000)"
    return f"(200 + {scattered} // 8000000) * 10000000 + 2000000 + {scattered} % 8000000"


def _spelled(number: str) -> str:
    """A number in one of the two ways in which files have it."""
    parts = f"{number} // 10000000, {number} // 10000 % 1000, {number} % 10000"
    return f"if({_whole(23, 2)} = 0, format('({{}}) {{}}-{{:04}}', {parts}), format('+1{{}}', {number}))"


def _of_origin(values: Iterable[str | None]) -> str:
    return _item(values, "origin")


def _item(values: Iterable[str | None], index: str) -> str:
    items = ", ".join("NULL" if value is None else _text(value) for value in values)
    return f"[{items}][1 + {index}]"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
