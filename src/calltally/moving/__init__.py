"""Calls moved from one engine to another, a business at a time, and proved to be the same there."""

from calltally.moving.copying import Copied, Prospect, Side, copy_calls, look_ahead
from calltally.moving.marks import forget_mark
from calltally.moving.proving import Proof, prove

__all__ = ["Copied", "Proof", "Prospect", "Side", "copy_calls", "forget_mark", "look_ahead", "prove"]
