"""VENDORS: those whose webhooks are understood, by their name in addresses and commands."""

from calltally.ingestion.webhooks.callrail import CALLRAIL
from calltally.ingestion.webhooks.callscaler import CALLSCALER
from calltally.ingestion.webhooks.twilio import TWILIO
from calltally.ingestion.webhooks.vendor import Vendor

__all__ = ["VENDORS"]

VENDORS: dict[str, Vendor] = {"callscaler": CALLSCALER, "twilio": TWILIO, "callrail": CALLRAIL}
