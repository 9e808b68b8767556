"""The year of calls of Harbor Home Services, a plumbing, heating and cooling firm that does not exist.

What there is to find in it:

- Facebook brings the most calls of any campaign, each for a few dollars, and hardly any is worth having: group by
  source and set `qualified_pct` and `total_value_cents` beside `total_cost_cents`.
- Bing's small `after-work-repairs` is the best campaign there is, but only from six to ten in the evening: group by
  campaign and hour of day.
- At lunch nobody is at the reception's phone: from twelve to one on weekdays a quarter of the calls is missed.
- TikTok's `home-hacks-giveaway` ran for eight weeks and was ended for good reason; the newsletter goes out on Tuesdays.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from random import Random

from calltally.demo.chance import GAP, Weighted, between, happens, noise
from calltally.demo.market import (
    CALLER_AREAS,
    CAMPAIGNS,
    CLOSED,
    DIALLED_OUT,
    LUNCH,
    MAIN_LINE,
    MESSAGE,
    NIGHT_SHIFT,
    OPEN,
    OTHER_PURPOSES,
    OUTBOUND_A_WEEK,
    PURPOSES,
    ROBOT_AREAS,
    TALK,
    WORTH,
    Campaign,
    Flow,
)
from calltally.demo.rhythm import OFFICE, holiday, season
from calltally.localtime import DAY, HOUR, OffsetTable, day_of, microseconds, moment, offset_table

__all__ = ["generate_calls"]

Record = dict[str, object]

DAYS = 365
SLOT = HOUR // 4  # every offset from UTC is a whole number of these
NOT_YET_ANALYSED = 2 * DAY
WORTH_ANALYSING = 15
CENTS_A_MINUTE = 4


@dataclass(frozen=True)
class Hour:
    """An hour on the business's clock: how many calls come in it, of which campaigns (None is outbound)."""

    hour: int
    staffed: bool
    lunch: bool
    origins: Weighted[Campaign | None]


@dataclass(frozen=True)
class Caller:
    """Who calls and why; `known` if they called before."""

    number: str | None
    purpose: str
    known: bool = False


@dataclass(frozen=True)
class Judgement:
    """What the analysis of a call found; nothing where there was none."""

    score: int | None = None
    category: str | None = None
    qualified: bool | None = None
    value: int | None = None


def generate_calls(
    until: datetime, *, seed: int = 2026, time_zone: str = "America/New_York"
) -> Iterator[dict[str, object]]:
    """The records of about 63,000 calls in order of start, from a year before `until` to just before it.

    The same arguments give the same records everywhere. An id holds the call's start, so that the calls of two runs
    with different ends stay different calls.
    """
    random = Random(seed)  # noqa: S311 - sample data must repeat
    end = microseconds(until)
    callers = Callers(random)
    for start, hour in _arrivals(random, offset_table(time_zone), end):
        campaign = hour.origins.draw(random)
        if campaign is None:
            yield _outbound(random, start, callers.again())
        else:
            analysed = end - start > NOT_YET_ANALYSED or happens(random, 0.1)
            yield _inbound(random, start, hour, campaign, callers.next(campaign, start), analysed=analysed)


def _arrivals(random: Random, clock: OffsetTable, end: int) -> Iterator[tuple[int, Hour]]:
    """The instants at which calls start, each with its hour."""
    first = clock.local(end) // DAY - DAYS
    scale = [(campaign, campaign.calls_a_week / campaign.week.total) for campaign in CAMPAIGNS]
    day, busy, hour_seen = first - 1, 0.0, -1
    rate, due = 0.0, GAP.draw(random)
    for slot in range(clock.instant(first * DAY)[0], end, SLOT):
        local = clock.local(slot)
        if local // HOUR != hour_seen:
            hour_seen = local // HOUR
            if day != local // DAY:
                day = local // DAY
                busy = _busyness(random, day_of(day), (day - first) / DAYS)
            hour = _hour(day_of(day), hour_seen % 24, busy, first + DAYS - day, scale)
            rate = hour.origins.total * SLOT / HOUR
        # Calls are one apart on a clock that runs as fast as calls come; `due` is what it has to go to the next.
        while due < rate:
            start = slot + int(due / rate * SLOT)
            if start >= end:
                return
            yield start, hour
            due += GAP.draw(random)
        due -= rate


def _busyness(random: Random, day: date, elapsed: float) -> float:
    """How a day compares with the average day: season, growth over the year, holidays, the weather."""
    weather = 1 + noise(random) * 0.2
    return season(day) * holiday(day) * (0.86 + 0.28 * elapsed) * weather


def _hour(day: date, hour: int, busy: float, days_ago: int, scale: list[tuple[Campaign, float]]) -> Hour:
    weekday = day.weekday()
    weights = [
        factor * campaign.week.days[weekday][hour] * busy if _runs(campaign, days_ago) else 0.0
        for campaign, factor in scale
    ]
    weights.append(OUTBOUND_A_WEEK / OFFICE.total * OFFICE.days[weekday][hour] * busy if 7 <= hour < 20 else 0.0)
    open_hours = range(7, 19) if weekday < 5 else range(8, 16) if weekday == 5 else range(0)
    return Hour(
        hour,
        staffed=hour in open_hours and holiday(day) > 0.5,
        lunch=weekday < 5 and hour == 12,
        origins=Weighted((*CAMPAIGNS, None), weights),
    )


def _runs(campaign: Campaign, days_ago: int) -> bool:
    return campaign.days_ago is None or campaign.days_ago[0] >= days_ago > campaign.days_ago[1]


class Callers:
    """Everyone who called so far, and the robots."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._known = [_customer_number(index) for index in range(1500)]  # from the years before

    def next(self, campaign: Campaign, start: int) -> Caller:
        """Who calls next on a campaign's number."""
        random = self._random
        if happens(random, campaign.spam):
            return Caller(None if happens(random, 0.12) else self._robot(start), "spam")
        if happens(random, campaign.returning):
            return Caller(self.again(), "existing_customer" if happens(random, 0.56) else "lead", known=True)
        purpose = "lead" if happens(random, campaign.lead) else OTHER_PURPOSES.draw(random)
        if happens(random, 0.04):
            return Caller(None, purpose)
        self._known.append(_customer_number(len(self._known)))
        return Caller(self._known[-1], purpose)

    def again(self) -> str:
        """Somebody who called before, mostly of late."""
        back = self._random.random()
        return self._known[-1 - int(back * back * back * len(self._known))]

    def _robot(self, start: int) -> str:
        """One of about nine that call often for some weeks and are then replaced."""
        back = self._random.random()
        robot = start // (7 * DAY) * 2 + int(back * back * 9)
        return f"+1{ROBOT_AREAS[robot % len(ROBOT_AREAS)]}555{robot * 37 % 10_000:04}"


def _customer_number(index: int) -> str:
    """The number of the index-th caller; no two have the same, for 7,919 is prime."""
    line, area = divmod(index * 7919 % (10_000 * len(CALLER_AREAS)), len(CALLER_AREAS))
    return f"+1{CALLER_AREAS[area]}555{line:04}"


def _inbound(random: Random, start: int, hour: Hour, campaign: Campaign, caller: Caller, *, analysed: bool) -> Record:
    flow = campaign.flow
    status = _statuses(hour, flow).draw(random)
    duration = _duration(random, status, campaign.talk * PURPOSES[caller.purpose].talk)
    number = campaign.numbers[between(random, 0, len(campaign.numbers) - 1)]
    judged = Judgement()
    if analysed and status == "completed" and duration is not None and duration >= WORTH_ANALYSING:
        judged = _judgement(random, hour, campaign, caller, duration)
    return {
        "id": _call_id(random, start),
        "started_at": _time(start),
        "caller_number": caller.number,
        "tracking_number": number.number,
        "destination_number": None if status in {"voicemail", "failed"} else _destination(random, flow),
        "direction": "inbound",
        "status": status,
        "duration_seconds": duration,
        "source": campaign.source,
        "utm_source": campaign.medium and (campaign.utm_source or campaign.source),
        "utm_medium": campaign.medium,
        "utm_campaign": campaign.name,
        "utm_term": campaign.terms.draw(random) if campaign.terms else None,
        "utm_content": campaign.contents.draw(random) if campaign.contents else None,
        "call_flow": flow.name,
        "call_flow_id": flow.id,
        "number_id": number.id,
        "number_group_id": number.group_id,
        "ai_score": judged.score,
        "robo_score": _robo_score(random, caller),
        "ai_category": judged.category,
        "qualified": judged.qualified,
        "value_cents": judged.value,
        "cost_cents": _cost(random, campaign, caller, duration),
    }


def _outbound(random: Random, start: int, customer: str) -> Record:
    status = DIALLED_OUT.draw(random)
    duration = _duration(random, status, 0.8)
    return {
        "id": _call_id(random, start),
        "started_at": _time(start),
        "caller_number": MAIN_LINE.number,
        "tracking_number": MAIN_LINE.number,
        "destination_number": customer,
        "direction": "outbound",
        "status": status,
        "duration_seconds": duration,
        "source": None,
        "utm_source": None,
        "utm_medium": None,
        "utm_campaign": None,
        "utm_term": None,
        "utm_content": None,
        "call_flow": None,
        "call_flow_id": None,
        "number_id": MAIN_LINE.id,
        "number_group_id": MAIN_LINE.group_id,
        "ai_score": None,
        "robo_score": None,
        "ai_category": None,
        "qualified": None,
        "value_cents": None,
        "cost_cents": _minutes_cost(duration),
    }


def _call_id(random: Random, start: int) -> str:
    """A UUID of version 7: the milliseconds of the start, then chance."""
    chance = random.getrandbits(74)
    bits = start // 1000 << 80 | 7 << 76 | chance >> 62 << 64 | 2 << 62 | chance & ((1 << 62) - 1)
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _time(start: int) -> str:
    found = moment(start)
    return f"{found:%Y-%m-%dT%H:%M:%S}.{found.microsecond // 1000:03}Z"


def _statuses(hour: Hour, flow: Flow) -> Weighted[str]:
    if not hour.staffed:
        return NIGHT_SHIFT if flow.always_open else CLOSED
    return LUNCH if hour.lunch and not flow.always_open else OPEN


def _duration(random: Random, status: str, talk: float) -> int | None:
    if status == "completed":
        return max(int(TALK.draw(random) * talk), 1)
    if status == "voicemail":
        return int(MESSAGE.draw(random))
    return None if status == "failed" else 0


def _destination(random: Random, flow: Flow) -> str:
    return flow.destinations[between(random, 0, len(flow.destinations) - 1)]


def _judgement(random: Random, hour: Hour, campaign: Campaign, caller: Caller, duration: int) -> Judgement:
    purpose = PURPOSES[caller.purpose]
    expected = float(purpose.score)
    if caller.purpose == "lead":
        expected += campaign.score + (campaign.bonus if hour.hour in campaign.best_hours else 0)
    expected += min(duration, 600) / 40 - 5  # who talks for long means it
    score = min(max(int(expected + noise(random) * 32), 0), 100)
    qualified = purpose.qualifies_from is not None and score >= purpose.qualifies_from
    value = int(WORTH.draw(random) * campaign.worth) * 100 if qualified and happens(random, 0.58) else None
    return Judgement(score, caller.purpose, qualified, value)


def _robo_score(random: Random, caller: Caller) -> int:
    if caller.purpose == "spam":
        return between(random, 76, 100)
    low = random.random()
    return int(low * low * 32)


def _cost(random: Random, campaign: Campaign, caller: Caller, duration: int | None) -> int | None:
    """The minutes, and for a new caller the advertisement: who has the number needs none, nor do robots."""
    minutes = _minutes_cost(duration)
    if minutes is None or caller.known or caller.purpose == "spam":
        return minutes
    return minutes + between(random, *campaign.cost)


def _minutes_cost(duration: int | None) -> int | None:
    """What the telephone company charges, begun minutes in full; nothing is said of a call that failed."""
    return None if duration is None else -(-duration // 60) * CENTS_A_MINUTE
