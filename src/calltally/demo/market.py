"""The demo's business: its call flows, numbers and campaigns, and how each of them behaves.

All telephone numbers have the exchange 555, which has no subscribers: none of them is anyone's.
"""

from dataclasses import dataclass

from calltally.demo.chance import Curve, Weighted
from calltally.demo.rhythm import EVENINGS, NEWSLETTER, OFFICE, ROUND_THE_CLOCK, Week

__all__ = [
    "CALLER_AREAS",
    "CAMPAIGNS",
    "CLOSED",
    "DIALLED_OUT",
    "LUNCH",
    "MAIN_LINE",
    "MESSAGE",
    "NIGHT_SHIFT",
    "OPEN",
    "OTHER_PURPOSES",
    "OUTBOUND_A_WEEK",
    "PURPOSES",
    "ROBOT_AREAS",
    "TALK",
    "WORTH",
    "Campaign",
    "Flow",
    "Number",
    "Purpose",
]

CALLER_AREAS = ("201", "203", "212", "347", "516", "551", "631", "646", "718", "845", "914", "917")
ROBOT_AREAS = ("206", "312", "404", "512", "602", "702", "813")
OUTBOUND_A_WEEK = 72


@dataclass(frozen=True)
class Flow:
    """A call flow: where calls are sent on to, and whether somebody answers at night."""

    id: str
    name: str
    destinations: tuple[str, ...]
    always_open: bool = False


@dataclass(frozen=True)
class Number:
    """A tracking number."""

    id: str
    number: str
    group_id: str | None


@dataclass(frozen=True)
class Campaign:
    """One way by which calls come in.

    `lead`, `spam` and `returning` are shares of its calls from 0 to 1: of first callers those who want to buy, of all
    calls the robocalls and the callers known before. `talk` and `worth` multiply durations and values; `cost` is what
    one new caller costs, from and to, in cents. At `best_hours` leads score `bonus` more. `days_ago` is when it ran.
    """

    source: str
    calls_a_week: int
    numbers: tuple[Number, ...]
    flow: Flow
    lead: float
    score: int
    medium: str | None = None
    name: str | None = None
    terms: Weighted[str] | None = None
    contents: Weighted[str] | None = None
    utm_source: str | None = None
    spam: float = 0.02
    returning: float = 0.16
    talk: float = 1.0
    worth: float = 1.0
    cost: tuple[int, int] = (0, 0)
    week: Week = OFFICE
    best_hours: range = range(0)
    bonus: int = 0
    days_ago: tuple[int, int] | None = None


RECEPTION = Flow("6513270e-269e-4d37-b2a7-4de452e6b438", "Reception", ("+13325550110", "+13325550111", "+13325550112"))
ESTIMATES = Flow("d23f0824-128b-4f33-8c5c-7fd0a6a3a450", "Estimates and sales", ("+13325550120", "+13325550121"))
MEMBERS = Flow("9531985d-5d9d-49f8-9818-e811892f902b", "Members", ("+13325550130",))
EMERGENCY = Flow(
    "36f675cc-81e7-4ef5-a8e2-5d940ed90475", "Emergency 24/7", ("+13325550140", "+13325550141"), always_open=True
)

SEARCH_GROUP = "6b0d549b-6f03-475a-9600-a35a099950d8"
SOCIAL_GROUP = "8d116ece-1738-47d9-bd9c-172411e20b8f"
LISTINGS_GROUP = "90c192cf-d3ac-44af-8f21-ddb66cad4a26"
WEBSITE_GROUP = "a170b338-3926-4059-b28c-105d1fb17c23"

MAIN_LINE = Number("0fd630f1-f29d-4da9-953f-48f1a09f76b5", "+13325550100", None)
WEBSITE_NUMBERS = (
    Number("0cb1e29c-658c-4a14-95e6-0af593bd04cf", "+13325550101", WEBSITE_GROUP),
    Number("8e81973e-0bec-47b0-b898-d190f9ebdacc", "+13325550102", WEBSITE_GROUP),
    Number("6b4cb242-4a23-4596-a217-beaddbc496cb", "+13325550103", WEBSITE_GROUP),
)
BRAND_NUMBER = Number("92276658-1e27-41c0-8a6a-63ec24ede6a4", "+13325550150", SEARCH_GROUP)
CLIMATE_NUMBER = Number("ae97ba94-d0ed-482f-8f6d-05584ef8aa38", "+13325550151", SEARCH_GROUP)
PLUMBING_NUMBER = Number("923a7369-94e3-4f91-9a61-dbe22e44158b", "+13325550152", SEARCH_GROUP)
EMERGENCY_NUMBER = Number("18f135d2-5f55-4203-b018-50c5a38fd547", "+13325550153", SEARCH_GROUP)
HEATER_NUMBER = Number("907a70c3-1012-4037-b64c-e4228c38fb29", "+13325550154", SEARCH_GROUP)
BING_NUMBER = Number("7f150524-34b9-45df-9e77-69b10f4205b4", "+13325550155", SEARCH_GROUP)
EVENING_NUMBER = Number("c6f87718-6d76-407e-881e-d162ae2eb154", "+13325550156", SEARCH_GROUP)
FACEBOOK_NUMBER = Number("ec66a787-95e7-41d1-b731-af10506bf2ef", "+13325550160", SOCIAL_GROUP)
TUNE_UP_NUMBER = Number("3f98e277-4cbd-47ad-9c90-a9587403e430", "+13325550161", SOCIAL_GROUP)
TIKTOK_NUMBER = Number("c7a2ea20-b2f1-4c94-ae05-319acb5c7427", "+13325550162", SOCIAL_GROUP)
NEIGHBORS_NUMBER = Number("4cdd2055-930d-4eaf-94f4-733f3e7d1bfb", "+13325550163", SOCIAL_GROUP)
PROFILE_NUMBER = Number("57ee05cd-e009-42c7-bebf-f20686734721", "+13325550170", LISTINGS_GROUP)
YELP_NUMBER = Number("9be4bcfc-49b6-4a08-b2e6-cc3ababced20", "+13325550171", LISTINGS_GROUP)
PARTNER_NUMBER = Number("830e07bc-1e39-4f10-92bd-4acefaecbd38", "+13325550180", None)
MEMBERS_NUMBER = Number("5790f82e-c1d3-4cff-aa3a-f4d46b0a18e8", "+13325550181", None)


def _ranked(*values: str) -> Weighted[str]:
    """Values of which the first is drawn most: 1, 1/2, 1/3 ... as often."""
    return Weighted(values, [60 // rank for rank in range(1, len(values) + 1)])


SEARCH_ADS = _ranked("headline-a", "headline-b")

CAMPAIGNS = (
    Campaign(
        "google", 82, (BRAND_NUMBER,), RECEPTION, 0.8, 76, "cpc", "brand-search",
        terms=_ranked("harbor home services", "harbor plumbing", "harbor hvac", "harbor home services phone"),
        contents=SEARCH_ADS, returning=0.42, cost=(500, 1300),
    ),
    Campaign(
        "google", 112, (CLIMATE_NUMBER,), ESTIMATES, 0.74, 70, "cpc", "heating-and-cooling",
        terms=_ranked(
            "hvac repair near me", "ac not cooling", "furnace repair", "heat pump installation", "mini split cost",
            "thermostat not working", "hvac contractor",
        ),
        contents=SEARCH_ADS, talk=1.15, worth=1.5, cost=(2400, 4800),
    ),
    Campaign(
        "google", 92, (PLUMBING_NUMBER,), RECEPTION, 0.7, 67, "cpc", "plumbing-and-drains",
        terms=_ranked("plumber near me", "clogged drain", "leaking pipe repair", "toilet repair", "sewer cleaning"),
        contents=SEARCH_ADS, cost=(1800, 3900),
    ),
    Campaign(
        "google", 52, (EMERGENCY_NUMBER,), EMERGENCY, 0.76, 68, "cpc", "emergency-plumber",
        terms=_ranked("emergency plumber", "24 hour plumber", "burst pipe", "no heat emergency"),
        contents=SEARCH_ADS, talk=0.8, worth=1.4, cost=(3200, 6400), week=ROUND_THE_CLOCK,
    ),
    Campaign(
        "google", 38, (HEATER_NUMBER,), ESTIMATES, 0.72, 72, "cpc", "water-heater-install",
        terms=_ranked("water heater installation", "tankless water heater cost", "water heater replacement"),
        contents=SEARCH_ADS, talk=1.3, worth=2.6, cost=(2600, 5200),
    ),
    Campaign("google", 104, WEBSITE_NUMBERS, RECEPTION, 0.6, 64, "organic", spam=0.05, returning=0.28),
    Campaign(
        "google_business", 92, (PROFILE_NUMBER,), RECEPTION, 0.58, 63, "local", "business-profile",
        utm_source="google", spam=0.09, returning=0.3,
    ),
    Campaign(
        "facebook", 186, (FACEBOOK_NUMBER,), ESTIMATES, 0.34, 42, "paid_social", "free-estimate",
        contents=_ranked("video-before-after", "carousel-rooms", "lead-form-b"),
        spam=0.11, returning=0.07, talk=0.6, worth=0.7, cost=(350, 950),
    ),
    Campaign(
        "facebook", 34, (TUNE_UP_NUMBER,), ESTIMATES, 0.5, 56, "paid_social", "tune-up-reminder",
        contents=_ranked("static-calendar", "video-technician"),
        spam=0.05, returning=0.24, talk=0.85, worth=0.6, cost=(700, 1600),
    ),
    Campaign(
        "bing", 34, (BING_NUMBER,), ESTIMATES, 0.72, 68, "cpc", "heating-and-cooling",
        terms=_ranked("hvac repair", "furnace repair near me", "air conditioning service", "boiler repair"),
        contents=SEARCH_ADS, talk=1.1, worth=1.4, cost=(1500, 2900),
    ),
    Campaign(
        "bing", 15, (EVENING_NUMBER,), EMERGENCY, 0.82, 44, "cpc", "after-work-repairs",
        terms=_ranked("plumber open now", "evening plumber", "ac repair tonight"),
        contents=SEARCH_ADS, talk=1.2, worth=2.2, cost=(900, 1900), week=EVENINGS, best_hours=range(18, 22), bonus=42,
    ),
    Campaign("direct", 144, (MAIN_LINE, *WEBSITE_NUMBERS), RECEPTION, 0.5, 65, spam=0.08, returning=0.58),
    Campaign(
        "yelp", 54, (YELP_NUMBER,), RECEPTION, 0.56, 57, "listing", "profile-ads",
        spam=0.06, talk=0.9, worth=0.9, cost=(1500, 2700),
    ),
    Campaign("referral", 48, (PARTNER_NUMBER,), ESTIMATES, 0.86, 80, returning=0.2, talk=1.25, worth=1.8),
    Campaign(
        "email", 26, (MEMBERS_NUMBER,), MEMBERS, 0.6, 64, "email", "monthly-newsletter",
        contents=_ranked("top-button", "footer"), spam=0.0, returning=0.84, cost=(10, 30), week=NEWSLETTER,
    ),
    Campaign(
        "email", 16, (MEMBERS_NUMBER,), MEMBERS, 0.6, 70, "email", "membership-renewal",
        spam=0.0, returning=0.92, talk=0.9, worth=0.8, cost=(10, 30),
    ),
    Campaign(
        "tiktok", 78, (TIKTOK_NUMBER,), ESTIMATES, 0.24, 34, "paid_social", "home-hacks-giveaway",
        contents=_ranked("creator-a", "creator-b", "creator-c"),
        spam=0.07, returning=0.03, talk=0.45, worth=0.5, cost=(250, 600), days_ago=(118, 62),
    ),
    Campaign(
        "nextdoor", 14, (NEIGHBORS_NUMBER,), RECEPTION, 0.72, 71, "social", "neighborhood-sponsor",
        returning=0.22, cost=(900, 1500),
    ),
)  # fmt: skip

# What first callers want who do not want to buy.
OTHER_PURPOSES = Weighted(("existing_customer", "wrong_number", "vendor", "job_applicant"), (30, 34, 20, 16))


@dataclass(frozen=True)
class Purpose:
    """What a caller wants: the score that such calls get and how long they last, beside a lead's."""

    score: int
    talk: float
    qualifies_from: int | None = None


PURPOSES = {
    "lead": Purpose(0, 1.15, qualifies_from=60),  # the campaign's own score is added
    "existing_customer": Purpose(54, 0.85, qualifies_from=70),
    "wrong_number": Purpose(14, 0.18),
    "vendor": Purpose(22, 0.55),
    "job_applicant": Purpose(26, 0.65),
    "spam": Purpose(5, 0.14),
}

STATUSES = ("completed", "no-answer", "voicemail", "busy", "failed")
OPEN = Weighted(STATUSES, (870, 52, 42, 24, 12))
LUNCH = Weighted(STATUSES, (640, 252, 62, 36, 10))
CLOSED = Weighted(STATUSES, (210, 238, 520, 16, 16))
NIGHT_SHIFT = Weighted(STATUSES, (830, 80, 54, 24, 12))
DIALLED_OUT = Weighted(STATUSES, (620, 222, 112, 30, 16))

# Seconds of an answered call, of a message; dollars of a qualified one.
TALK = Curve((6, 20, 33, 48, 66, 88, 112, 140, 172, 210, 255, 310, 385, 480, 620, 840, 2300))
MESSAGE = Curve((3, 6, 9, 14, 19, 24, 30, 38, 52, 110))
WORTH = Curve((79, 95, 120, 149, 189, 240, 310, 420, 600, 950, 1800, 5200))
