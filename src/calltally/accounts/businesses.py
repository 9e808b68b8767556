"""A business and its settings: create, find, change, clear and delete it.

Its calls are files of an engine; here they are only a name, `Business.calls`.
"""

import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from phonenumbers import SUPPORTED_REGIONS
from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from calltally.accounts.control import Control
from calltally.accounts.removals import begin_removal, next_generation, store_name
from calltally.accounts.tables import businesses, tables_of_a_business
from calltally.catalog import suggestion
from calltally.errors import Conflict, InvalidRequest, NotFound, Problem, shown
from calltally.localtime import time_zone_problem

__all__ = [
    "Business",
    "business_of",
    "clear_business",
    "create_business",
    "delete_business",
    "find_business",
    "list_businesses",
    "locked_business",
    "name_problem",
    "several_called",
    "update_business",
]

LONGEST_NAME = 200
CODES = {"region", "currency"}  # settings that are taken in any case, and kept in capitals
UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}  # Unicode categories that would break a line, a terminal or an encoding


@dataclass(frozen=True)
class Business:
    """One business."""

    id: str
    name: str
    timezone: str
    region: str
    currency: str
    generation: int
    created_at: datetime

    @property
    def calls(self) -> str:
        """The name of its store of calls."""
        return store_name(self.id, self.generation)


def create_business(
    control: Control, name: str, *, timezone: str, region: str, currency: str, now: datetime
) -> Business:
    """The new business.

    Raises:
        InvalidRequest: lists everything that is wrong with the settings.
    """
    settings = _checked({"name": name, "timezone": timezone, "region": region, "currency": currency})
    business = Business(id=str(uuid.uuid4()), generation=1, created_at=now, **settings)
    with control.writing() as connection:
        connection.execute(
            insert(businesses).values(
                id=business.id, generation=business.generation, created_at=business.created_at, **settings
            )
        )
    return business


def list_businesses(control: Control) -> tuple[Business, ...]:
    """All businesses, by name."""
    with control.reading() as connection:
        rows = connection.execute(select(businesses)).all()
    # Here and not in the database, as each database has an order of its own for names.
    return tuple(sorted(map(business_of, rows), key=lambda business: (business.name, business.id)))


def find_business(control: Control, text: str) -> Business:
    """The business with this id, or else with this name.

    Raises:
        NotFound: there is none.
        Conflict: several have the name.
    """
    name = text.strip()
    rows = _named(control, name) if _printable(name) else []
    if not rows:
        near = suggestion(text, [business.name for business in list_businesses(control)]) or ";"
        raise NotFound(f"There is no business {shown(text)}{near} 'calltally business list' shows those there are")
    by_id = [row for row in rows if row.id == name]
    if by_id or len(rows) == 1:
        return business_of((by_id or rows)[0])
    raise several_called(name, [row.id for row in rows])


def several_called(name: str, ids: Sequence[str]) -> Conflict:
    """What is said where a name means several businesses."""
    return Conflict(
        f"{len(ids)} businesses are called {shown(name)}; give the id of the one you mean: {', '.join(ids)}"
    )


def update_business(
    control: Control,
    business_id: str,
    *,
    name: str | None = None,
    timezone: str | None = None,
    region: str | None = None,
    currency: str | None = None,
) -> Business:
    """The business as it is after the settings that are given were changed.

    Raises:
        NotFound: it is gone.
        InvalidRequest: lists everything that is wrong with the settings.
    """
    given = {"name": name, "timezone": timezone, "region": region, "currency": currency}
    settings = _checked({setting: value for setting, value in given.items() if value is not None})
    with control.writing() as connection:
        locked_business(connection, business_id)
        if settings:
            connection.execute(update(businesses).where(businesses.c.id == business_id).values(settings))
        return business_of(connection.execute(select(businesses).where(businesses.c.id == business_id)).one())


def clear_business(control: Control, business_id: str) -> str:
    """Give the business a new, empty store of calls; the name of the old one, whose removal has begun with this."""
    with control.writing() as connection:
        business = locked_business(connection, business_id)
        connection.execute(
            update(businesses)
            .where(businesses.c.id == business_id)
            .values(generation=next_generation(connection, business_id, business.generation))
        )
        begin_removal(connection, business.calls)
    return business.calls


def delete_business(control: Control, business_id: str) -> str:
    """Delete the business and all that is its; the name of its store of calls, whose removal has begun with this."""
    with control.writing() as connection:
        business = locked_business(connection, business_id)
        for table in reversed(tables_of_a_business()):
            connection.execute(delete(table).where(table.c.business_id == business_id))
        connection.execute(delete(businesses).where(businesses.c.id == business_id))
        begin_removal(connection, business.calls)
    return business.calls


def business_of(row: Row[Any]) -> Business:
    """The business in a row that has all its columns."""
    return Business(row.id, row.name, row.timezone, row.region, row.currency, row.generation, row.created_at)


def locked_business(connection: Connection, business_id: str) -> Business:
    """The business, which nobody else can change until the transaction ends."""
    wanted = select(businesses).where(businesses.c.id == business_id).with_for_update()
    row = connection.execute(wanted).one_or_none()
    if row is None:
        raise NotFound(f"There is no business {shown(business_id)} any more")
    return business_of(row)


def name_problem(name: str) -> Problem | None:
    """What is wrong with a trimmed name, or None."""
    if not name:
        return Problem("name", "name: it must not be empty")
    if len(name) > LONGEST_NAME:
        return Problem("name", f"name: {shown(name)} has more than {LONGEST_NAME} characters")
    if not _printable(name):
        return Problem("name", "name: line breaks, control characters and broken text are not allowed")
    return None


def _named(control: Control, text: str) -> list[Row[Any]]:
    wanted = select(businesses).where(or_(businesses.c.id == text, businesses.c.name == text))
    with control.reading() as connection:
        return list(connection.execute(wanted.order_by(businesses.c.created_at, businesses.c.id)).all())


def _checked(given: dict[str, str]) -> dict[str, str]:
    """The settings as they are stored."""
    settings = {setting: value.strip() for setting, value in given.items()}
    problems = tuple(problem for setting, value in settings.items() if (problem := CHECKS[setting](value)))
    if problems:
        raise InvalidRequest(problems)
    return settings | {setting: settings[setting].upper() for setting in settings.keys() & CODES}


def _region_problem(region: str) -> Problem | None:
    if region.upper() in SUPPORTED_REGIONS:
        return None
    return Problem("region", f"region: {shown(region)} is not the ISO 3166 code of a country, such as 'US'")


def _currency_problem(currency: str) -> Problem | None:
    if len(currency) == 3 and currency.isascii() and currency.isalpha():
        return None
    return Problem("currency", f"currency: {shown(currency)} is not an ISO 4217 code of three letters, such as 'USD'")


def _printable(text: str) -> bool:
    return not any(unicodedata.category(character) in UNPRINTABLE for character in text)


CHECKS = {
    "name": name_problem,
    "timezone": time_zone_problem,
    "region": _region_problem,
    "currency": _currency_problem,
}
