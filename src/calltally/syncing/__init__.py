"""Calls pulled from the vendors that record them, and what came held against what the vendor counts itself.

A vendor's own module, such as `calltally.syncing.callscaler`, is imported where it is used: it takes an HTTP client.
"""

from calltally.syncing.pulling import PullProgress, PullSummary, pull
from calltally.syncing.reconciling import Difference, Reconciliation, days_to_compare, reconcile
from calltally.syncing.source import Page, Source

__all__ = [
    "Difference",
    "Page",
    "PullProgress",
    "PullSummary",
    "Reconciliation",
    "Source",
    "days_to_compare",
    "pull",
    "reconcile",
]
