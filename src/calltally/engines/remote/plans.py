"""How a report travels: its plan as JSON in which everything is a name of the catalog, its rows as JSON too."""

import json
from typing import Any

from calltally.catalog import CATALOG, Aggregate, Dimension, Ratio, aggregates_of
from calltally.engines.base import Group, Order, Plan, Rows
from calltally.engines.remote.frames import Lost
from calltally.engines.remote.wire import (
    plain_conditions,
    plain_local_time,
    plain_periods,
    read_conditions,
    read_local_time,
    read_periods,
)

__all__ = ["packed_rows", "plain_plan", "read_plan", "unpacked_rows"]

EXPRESSIONS = {name: metric.expression for name, metric in CATALOG.metrics.items()}
# Which metric an aggregate is a part of, and its how-many-th part.
PARTS = {part: [name, at] for name, each in EXPRESSIONS.items() for at, part in enumerate(aggregates_of(each))}
METRICS = {expression: name for name, expression in EXPRESSIONS.items()}


def plain_plan(plan: Plan) -> dict[str, Any]:
    """The plan but for the store, for JSON."""
    return {
        "dimensions": [dimension.name for dimension in plan.dimensions],
        "aggregates": [PARTS[aggregate] for aggregate in plan.aggregates],
        "conditions": plain_conditions(plan.conditions),
        "periods": plain_periods(plan.periods),
        "local_time": plain_local_time(plan.local_time),
        "by": plan.order.by.name if isinstance(plan.order.by, Dimension) else METRICS[plan.order.by],
        "descending": plan.order.descending,
        "limit": plan.limit,
    }


def read_plan(calls: str, plain: object) -> Plan:
    """The plan that `plain_plan` wrote, over this store.

    Raises:
        Lost: it did not.
    """
    match plain:
        case {
            "dimensions": list(dimensions),
            "aggregates": list(aggregates),
            "conditions": conditions,
            "periods": periods,
            "local_time": local_time,
            "by": str(by),
            "descending": bool(descending),
            "limit": int(limit),
        }:
            return Plan(
                calls,
                tuple(_dimension(name) for name in dimensions),
                tuple(_aggregate(part) for part in aggregates),
                read_conditions(conditions),
                read_periods(periods),
                read_local_time(local_time),
                Order(_by(by), descending),
                limit,
            )
    raise Lost("a plan is none")


def packed_rows(rows: Rows) -> bytes:
    """The rows as bytes; sums may be larger than orjson takes."""
    groups = [[group.values, group.aggregates] for group in rows.groups]
    return json.dumps([groups, rows.totals], ensure_ascii=False, separators=(",", ":")).encode()


def unpacked_rows(body: bytes | bytearray) -> Rows:
    """The rows that `packed_rows` packed."""
    groups, totals = json.loads(body)
    return Rows(tuple(Group(tuple(values), tuple(found)) for values, found in groups), tuple(totals))


def _dimension(name: object) -> Dimension:
    if isinstance(name, str) and name in CATALOG.dimensions:
        return CATALOG.dimensions[name]
    raise Lost("a dimension is none")


def _aggregate(part: object) -> Aggregate:
    match part:
        case [str(name), int(at)] if name in EXPRESSIONS:
            parts = aggregates_of(EXPRESSIONS[name])
            if 0 <= at < len(parts):
                return parts[at]
    raise Lost("an aggregate is none")


def _by(name: str) -> Dimension | Aggregate | Ratio:
    return EXPRESSIONS[name] if name in EXPRESSIONS else _dimension(name)
