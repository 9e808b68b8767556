"""A caller's number out of everything that is kept, at a person's request."""

from calltally.accounts import Business, Control, redact_dead_letters, redact_saved_reports, redact_shares
from calltally.catalog import CATALOG
from calltally.engines import Engine
from calltally.errors import InvalidRequest, Problem, shown
from calltally.localtime import offset_table
from calltally.records import BadValue, Reading, read_value

__all__ = ["erase_caller"]

FIELD = CATALOG.fields["caller_number"]


def erase_caller(caller_number: str, business: Business, control: Control, engine: Engine) -> int:
    """How many calls had the number, which is read as that of a record: they stay, without a caller for ever.

    The number is taken out of the calls, of what is held for calls to come, of dead letters, and of names and filters
    of reports that are saved or shared. What comes in later is taken without it. Backups and exports that were made
    before are not reached.

    Raises:
        InvalidRequest: it is no number that a call can have.
        StorageFull: there is no room to write the calls anew; the same request finishes the work once there is.
    """
    number = _number(caller_number, business)
    redact_dead_letters(control, business, number)
    redact_saved_reports(control, business, number)
    redact_shares(control, business, number)
    return engine.erase(business.calls, number)


def _number(caller_number: str, business: Business) -> str:
    try:
        number = read_value(FIELD, caller_number, Reading(business.region, offset_table(business.timezone)))
    except BadValue as bad:
        raise InvalidRequest((Problem(FIELD.name, f"{FIELD.name}: {bad}"),)) from bad
    if not isinstance(number, str):
        message = f"{FIELD.name}: {shown(caller_number)} stands for no number; give that of the caller"
        raise InvalidRequest((Problem(FIELD.name, message),))
    return number
