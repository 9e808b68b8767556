"""Dead letters once more: each is read and applied as if it came now, and removed when it was taken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from calltally.accounts import (
    Business,
    Control,
    DeadLetter,
    find_business,
    note_reason,
    read_dead_letter,
    redact_dead_letters,
    remove_dead_letter,
)
from calltally.engines import Engine
from calltally.errors import CallsUnreadable, FolderUnusable, InvalidBody, NotFound, Problem
from calltally.ingestion.deliveries import deliver_read
from calltally.ingestion.erasing import known_erasure, without_erased
from calltally.ingestion.webhooks.reading import read_notice
from calltally.ingestion.webhooks.vendors import VENDORS
from calltally.localtime import microseconds

__all__ = ["Retried", "reason_of", "retry_dead_letters"]


@dataclass(frozen=True)
class Retried:
    """What became of a dead letter: why it is one still, or None: it was taken."""

    letter: DeadLetter
    reason: str | None


def retry_dead_letters(control: Control, engine: Engine, letters: Sequence[DeadLetter]) -> Iterator[Retried]:
    """What became of each, in order.

    Raises:
        Unavailable, StorageFull: this one and those after it are as before.
    """
    for letter in letters:
        try:
            business = find_business(control, letter.business_id)
            reason = _retry(read_dead_letter(control, letter.id), letter, business, engine)
        except NotFound:  # it went meanwhile, or its business did
            continue
        if reason is None:
            remove_dead_letter(control, letter.id)
        else:
            # It may have been kept whole while nobody could tell who was erased.
            without = partial(without_erased, business=business, erasure=known_erasure(business, engine))
            note_reason(control, letter.id, reason)
            redact_dead_letters(control, business, without, letter.id)
        yield Retried(letter, reason)


def _retry(body: bytes, letter: DeadLetter, business: Business, engine: Engine) -> str | None:
    try:
        notice = read_notice(VENDORS[letter.kind], body, business)
        version = microseconds(letter.arrived_at) if notice.happened_at is None else notice.happened_at
        if read := notice.deliveries(version, business):
            deliver_read([read], business, engine)
    except InvalidBody as error:
        return reason_of(error.problems)
    except (CallsUnreadable, FolderUnusable) as error:
        return error.message
    return None


def reason_of(problems: Sequence[Problem]) -> str:
    """Why something could not be applied, in one line."""
    return "; ".join(problem.message for problem in problems)
