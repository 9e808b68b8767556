"""The business 'Demo': made once, kept with its key in a file that only its owner can read."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from calltally.accounts import (
    Business,
    Control,
    authenticate,
    create_business,
    create_key,
    delete_business,
    find_business,
)
from calltally.demo.generate import generate_calls
from calltally.engines import Engine, remove_store
from calltally.errors import FolderUnusable, NotFound, Unauthorized
from calltally.folder import DataFolder
from calltally.ingestion import import_records

__all__ = ["Demo", "find_demo", "forget_demo", "make_demo", "requests"]

NAME = "Demo"
TIME_ZONE = "America/New_York"
KEY_NAME = "demo"

CAMPAIGNS = "count,qualified_pct,avg_duration,avg_ai_score"
ROI = "count,qualified_count,qualified_pct,total_value_cents,unique_callers"
MONTH = "start_date={first}&end_date={last}"
# The requests of the published document, with its month moved to the last full one.
REQUESTS = (
    ("Sources", "group_by=source&metrics=count,qualified_pct,avg_ai_score"),
    (
        "Campaign performance",
        f"group_by=utm_campaign&metrics={CAMPAIGNS}&{MONTH}&sort_by=qualified_pct&sort_order=desc",
    ),
    (
        "Daily call volume",
        f"group_by=date&metrics=count,answered_count,missed_count&{MONTH}&sort_by=date&sort_order=asc&limit=31",
    ),
    (
        "Best hours to call",
        "group_by=hour_of_day,day_of_week&metrics=count,avg_duration&sort_by=count&sort_order=desc&limit=10",
    ),
    (
        "Source ROI",
        f"group_by=source&metrics={ROI}&sort_by=total_value_cents&sort_order=desc",
    ),
)


@dataclass(frozen=True)
class Demo:
    """The business, the secret of its key, and until when its calls go."""

    business: Business
    key: str
    made_at: datetime


def find_demo(folder: DataFolder, control: Control) -> Demo | None:
    """The demo of a data folder, if it is there and whole; with a new key if the one that was kept is revoked."""
    kept = _kept(folder)
    if kept is None or kept["key"] is None:
        return None
    try:
        business = find_business(control, kept["business"])
    except NotFound:
        return None
    made_at = datetime.fromisoformat(kept["made_at"])
    try:
        authenticate(control, f"Bearer {kept['key']}", datetime.now(UTC))
    except Unauthorized:
        return _with_key(folder, control, business, made_at)
    return Demo(business, kept["key"], made_at)


def make_demo(folder: DataFolder, control: Control, engine: Engine, now: datetime) -> Demo:
    """The demo, made anew, with calls until now; one whose making was interrupted is removed first."""
    kept = _kept(folder)
    if kept is not None and kept["key"] is None:
        _remove(kept["business"], folder, control, engine)
    business = create_business(control, NAME, timezone=TIME_ZONE, region="US", currency="USD", now=now)
    _keep(folder, business, None, now)
    import_records(generate_calls(now, time_zone=TIME_ZONE), business, engine)
    return _with_key(folder, control, business, now)


def forget_demo(folder: DataFolder, business_id: str) -> None:
    """Remove the file with the key of the demo, if the demo is this business."""
    kept = _kept(folder)
    if kept is not None and kept["business"] == business_id:
        folder.demo_key.unlink(missing_ok=True)


def requests(made_at: datetime, time_zone: str) -> list[tuple[str, str]]:
    """Title and query of each request, about the last full month before `made_at`."""
    today = made_at.astimezone(ZoneInfo(time_zone)).date()
    last = today.replace(day=1) - timedelta(days=1)
    first = date(last.year, last.month, 1)
    return [(title, query.format(first=first, last=last)) for title, query in REQUESTS]


def _with_key(folder: DataFolder, control: Control, business: Business, made_at: datetime) -> Demo:
    key = create_key(control, business, KEY_NAME, ("read",), datetime.now(UTC)).secret
    _keep(folder, business, key, made_at)
    return Demo(business, key, made_at)


def _kept(folder: DataFolder) -> dict[str, Any] | None:
    """What the file says: business, key (null while the calls are being made), and until when they go."""
    try:
        kept = json.loads(folder.demo_key.read_text())
        datetime.fromisoformat(kept["made_at"])
        return {"business": str(kept["business"]), "key": kept["key"], "made_at": kept["made_at"]}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise FolderUnusable(f"{folder.demo_key} is damaged; remove it to get a new demo") from error


def _keep(folder: DataFolder, business: Business, key: str | None, made_at: datetime) -> None:
    unfinished = folder.demo_key.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps({"business": business.id, "key": key, "made_at": made_at.isoformat()}))
    unfinished.replace(folder.demo_key)


def _remove(business_id: str, folder: DataFolder, control: Control, engine: Engine) -> None:
    try:
        store = delete_business(control, business_id)
    except NotFound:
        return  # somebody deleted it meanwhile
    remove_store(folder, control, engine, store)
