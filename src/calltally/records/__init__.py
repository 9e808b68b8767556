"""A call record: raw values read as the values that are stored."""

from calltally.records.times import Moment, read_rfc3339, read_usual
from calltally.records.values import BadValue, Reading, normal_status, read_value

__all__ = ["BadValue", "Moment", "Reading", "normal_status", "read_rfc3339", "read_usual", "read_value"]
