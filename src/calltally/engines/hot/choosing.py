"""The first groups of a report among a great many, picked out by what they sort by, ties as the plan breaks them."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from calltally.catalog import Aggregate, Dimension, Ratio
from calltally.engines.base import Plan
from calltally.engines.hot.columns import Numbers
from calltally.engines.hot.groups import Grouping

__all__ = ["first_groups"]

NEAR = 1e-12  # a quotient in floating point is a thousand times nearer to the exact one than that


def first_groups(plan: Plan, grouping: Grouping, keys: Numbers, found: Mapping[Aggregate, Numbers]) -> Numbers:
    """The places of the groups that a report shows, in any order, of more than it shows.

    `keys` are those of all groups, `found` what each of them has for the aggregates that the plan sorts by.
    """
    scores, known = _scores(plan, grouping, keys, found)
    first = np.flatnonzero(known)
    if len(first) >= plan.limit:
        return first[_first(scores[first], grouping, keys[first], plan.limit)]
    nulls = np.flatnonzero(~known)
    first_nulls = _first(np.zeros(len(nulls)), grouping, keys[nulls], plan.limit - len(first))
    return np.concatenate([first, nulls[first_nulls]])


def _scores(
    plan: Plan, grouping: Grouping, keys: Numbers, found: Mapping[Aggregate, Numbers]
) -> tuple[Numbers, Numbers]:
    """What sorts ascending as the plan does, and which groups have anything to be sorted by."""
    by = plan.order.by
    sign = -1 if plan.order.descending else 1
    if isinstance(by, Dimension):
        ranks, known = grouping.ranks_of(plan.dimensions.index(by), keys)
        return sign * ranks, known
    if not isinstance(by, Ratio):
        return sign * found[by], np.ones(len(keys), np.bool_)
    numerators, denominators = (found[part] for part in by.parts)
    return _ratio_scores(numerators, denominators, sign, plan.limit), denominators != 0


def _ratio_scores(numerators: Numbers, denominators: Numbers, sign: int, limit: int) -> Numbers:
    """What sorts as exact ratios do, as far as it matters to which are the first `limit`; 0 where there is none."""
    known = denominators != 0
    quotients = sign * numerators / np.where(known, denominators, 1)
    if known.sum() <= limit:
        return quotients
    last = np.partition(quotients[known], limit - 1)[limit - 1]
    # Those that are not near the last one are on one side of it for certain; the others are compared as fractions.
    near = np.flatnonzero(known & (np.abs(quotients - last) <= abs(last) * NEAR))
    scores: Numbers = np.sign(quotients - last)
    scores[near] = 0 if last == 0 else _exact_scores(sign * numerators[near], denominators[near])
    return scores


def _exact_scores(numerators: Numbers, denominators: Numbers) -> Numbers:
    """Numbers between -1 and 1 that sort as these ratios do."""
    divisors = np.gcd(numerators, denominators)
    numerators, denominators = numerators // divisors, denominators // divisors
    tops, top = np.unique(numerators, return_inverse=True)
    bottoms, bottom = np.unique(denominators, return_inverse=True)
    pairs, pair = np.unique(top * len(bottoms) + bottom, return_inverse=True)
    ratios = [Fraction(int(tops[each // len(bottoms)]), int(bottoms[each % len(bottoms)])) for each in pairs.tolist()]
    ranks = np.empty(len(ratios), np.int64)
    ranks[sorted(range(len(ratios)), key=ratios.__getitem__)] = np.arange(len(ratios))
    scores: Numbers = (ranks[pair] + 1) / (len(ratios) + 1) - 0.5
    return scores


def _first(scores: Numbers, grouping: Grouping, keys: Numbers, count: int) -> Numbers:
    """The places of so many of the lowest scores; among equal ones those whose dimensions come first."""
    if len(scores) <= count:
        return np.arange(len(scores))
    last = np.partition(scores, count - 1)[count - 1]
    sure, tied = np.flatnonzero(scores < last), np.flatnonzero(scores == last)
    wanted = count - len(sure)
    if wanted < len(tied):
        tied = tied[np.argpartition(grouping.ranks(keys[tied]), wanted - 1)[:wanted]]
    return np.concatenate([sure, tied])
