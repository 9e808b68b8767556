"""Erasing: a caller's number taken out of everything that is kept of a business."""

from calltally.accounts import Business, Control
from calltally.catalog import CATALOG
from calltally.engines import Engine
from calltally.localtime import offset_table
from calltally.records import BadValue, Reading, read_value

__all__ = ["erase_caller"]


def erase_caller(caller_number: str, business: Business, control: Control, engine: Engine) -> int:  # noqa: ARG001
    """How many calls had the number, which is read as that of a record is.

    Raises:
        StorageFull: there was no room to write the calls anew; run it again once there is.
    """
    reading = Reading(business.region, offset_table(business.timezone))
    try:
        number = read_value(CATALOG.fields["caller_number"], caller_number, reading)
    except BadValue:  # no call can have it
        return 0
    return engine.erase(business.calls, str(number)) if number else 0
