"""The loops over rows, written to be compiled: few and general, each over a stretch of one column.

`group` says of each row which group it is in. It begins as 0 and is added to by what the row's columns say; whatever
leaves a call out adds or sets REJECTED, so that it stays negative. These are plain functions: `compiled` makes them
fast. They call nothing of ours, raise nothing, and are given arrays of one stretch, whole in memory.
"""

from typing import Any

import numpy as np

__all__ = ["LEFT_OUT", "MOST_NARROW", "REJECTED", "SIGNATURES"]

REJECTED = -(1 << 58)  # far below every group, and thirty of them still fit 64 bits
NEVER = 2**63 - 1  # after all instants
LEFT_OUT = 1 << 27  # the number of no cell, to which several of the same can be added in 32 bits
MOST_NARROW = 4  # columns of codes of a byte that a loop over cells takes
SPREAD = -7046029254386353131  # the golden ratio in 64 bits: neighbours go far apart

Column = Any  # an array of whole numbers
CODES = ("uint8", "uint16", "uint32")
NUMBERS = ("int8", "int32", "int64")
SPELLED = {"number": "int64", "turns": "int64[:, ::1]"}  # all other arguments are arrays


def add_by_code(codes: Column, table: Column, group: Column) -> None:
    """Add to each row what the table has for its code."""
    for i in range(len(group)):
        group[i] += table[codes[i]]


def add_by_time(starts: Column, instants: Column, table: Column, group: Column) -> None:
    """Add to each row what the table has for the last of these instants that is not after its start.

    The first instant is before all starts. Rows in the order of time need no search but the first.
    """
    last = len(instants) - 1
    place, value = 0, 0
    begin, end = NEVER, NEVER  # of the step at this place; at first there is none
    for i in range(len(group)):
        start = starts[i]
        if start < begin or start >= end:
            low, high = 0, last
            if start >= begin and (place + 1 == last or start < instants[place + 2]):
                low = high = place + 1
            while low < high:
                middle = (low + high + 1) >> 1
                if instants[middle] <= start:
                    low = middle
                else:
                    high = middle - 1
            place, value = low, table[low]
            begin, end = instants[low], instants[low + 1] if low < last else NEVER
        group[i] += value


def keep_between(values: Column, lowest: int, highest: int, group: Column) -> None:
    """Leave out the rows whose value is below the lowest or above the highest."""
    for i in range(len(group)):
        if values[i] < lowest or values[i] > highest:
            group[i] = REJECTED


def count(group: Column, found: Column) -> None:
    """Count the rows of each group.

    Here and in the next three, `found` has a row of all groups for each of a power of two rows that follow one another:
    to add to a number that was added to just before takes a core five times as long.
    """
    turns = len(found) - 1
    for i in range(len(group)):
        if group[i] >= 0:
            found[i & turns, group[i]] += 1


def count_by_code(codes: Column, flags: Column, group: Column, found: Column) -> None:
    """Count the rows of each group whose code has a flag of 1."""
    turns = len(found) - 1
    for i in range(len(group)):
        if group[i] >= 0:
            found[i & turns, group[i]] += flags[codes[i]]


def count_values(values: Column, null: int, group: Column, found: Column) -> None:
    """Count the rows of each group that have a value."""
    turns = len(found) - 1
    for i in range(len(group)):
        if group[i] >= 0:
            found[i & turns, group[i]] += int(values[i] != null)


def sum_values(values: Column, null: int, group: Column, found: Column) -> None:
    """Add up the values of each group."""
    turns = len(found) - 1
    for i in range(len(group)):
        if group[i] >= 0:
            found[i & turns, group[i]] += values[i] if values[i] != null else 0


def find_bounds(starts: Column, instants: Column, bounds: Column) -> None:
    """Find for each instant the first row that does not start before it; both are in order."""
    last = len(starts)
    place = 0
    for k in range(len(instants)):
        low, step = place, 1
        while low + step <= last and starts[low + step - 1] < instants[k]:
            low += step
            step *= 2
        high = min(low + step - 1, last)
        while low < high:
            middle = (low + high) >> 1
            if starts[middle] < instants[k]:
                low = middle + 1
            else:
                high = middle
        place = low
        bounds[k] = place


def cut_stretches(bounds: Column, places: Column, gone: Column, cut: Column, cut_places: Column) -> None:
    """Cut out of stretches the rows that are no calls any more, each a stretch of its own at the place -1.

    `bounds` has the end of the last stretch too, as `cut` will.
    """
    n, g = 0, 0
    for k in range(len(places)):
        cut[n], cut_places[n] = bounds[k], places[k]
        n += 1
        while g < len(gone) and gone[g] < bounds[k + 1]:
            cut[n], cut_places[n] = gone[g], -1
            cut[n + 1], cut_places[n + 1] = gone[g] + 1, places[k]
            n += 2
            g += 1
    cut[n] = bounds[len(places)]


def count_cells(  # noqa: PLR0917 - kernels take nothing by name
    bounds: Column, bases: Column, codes: Column, tables: Column, wide: Column, wide_table: Column, counts: Column
) -> None:
    """Count the rows of each cell, whose number is what a stretch of rows has and what the tables have for its codes.

    `codes` are several columns with a table each; `wide` is one more, or None. A number that is too large is no cell:
    then nothing is added to the first one, since a core that has to guess which rows those are is four times as slow.
    Rows have numbers without a sign: else each look at a column begins by asking whether its place counts from the end.
    """
    size = np.uint32(len(counts))
    for k in range(len(bases)):
        for i in range(np.uint64(bounds[k]), np.uint64(bounds[k + 1])):
            cell = bases[k]
            for j in range(len(codes)):
                cell = np.uint32(cell + tables[j][codes[j][i]])
            if wide is not None:
                cell = np.uint32(cell + wide_table[wide[i]])
            there = np.uint32(cell < size)
            counts[np.uint32(cell * there)] += np.int32(there)


def sum_cells(  # noqa: PLR0917
    bounds: Column,
    bases: Column,
    codes: Column,
    tables: Column,
    wide: Column,
    wide_table: Column,
    values: Column,
    null: int,
    sums: Column,
    counts: Column,
) -> None:
    """Add up the values of each cell, see `count_cells`, and count them."""
    size = np.uint32(len(counts))
    for k in range(len(bases)):
        for i in range(np.uint64(bounds[k]), np.uint64(bounds[k + 1])):
            cell = bases[k]
            for j in range(len(codes)):
                cell = np.uint32(cell + tables[j][codes[j][i]])
            if wide is not None:
                cell = np.uint32(cell + wide_table[wide[i]])
            there = np.uint32(cell < size)
            cell = np.uint32(cell * there)
            has_value = (there != 0) & (values[i] != null)
            sums[cell] += values[i] if has_value else 0
            counts[cell] += has_value


def count_stretches(bounds: Column, bases: Column, counts: Column) -> None:
    """Count the rows of each cell, where that is what a stretch of rows has."""
    for k in range(len(bases)):
        if bases[k] < len(counts):
            counts[bases[k]] += bounds[k + 1] - bounds[k]


def sum_stretches(  # noqa: PLR0917
    bounds: Column, bases: Column, values: Column, null: int, sums: Column, counts: Column
) -> None:
    """Add up the values of each cell, where that is what a stretch of rows has, and count them."""
    for k in range(len(bases)):
        if bases[k] < len(counts):
            added, found = 0, 0
            for i in range(np.uint64(bounds[k]), np.uint64(bounds[k + 1])):
                added += values[i] if values[i] != null else 0
                found += 1 if values[i] != null else 0
            sums[bases[k]] += added
            counts[bases[k]] += found


def find_new(some: Column, known: Column, new: Column) -> int:
    """Put those of some numbers that are not among the known ones into `new`; how many. All are in order."""
    found, k = 0, 0
    for i in range(len(some)):
        while k < len(known) and known[k] < some[i]:
            k += 1
        if k == len(known) or known[k] != some[i]:
            new[found] = some[i]
            found += 1
    return found


def mark_codes(codes: Column, width: int, group: Column, bits: Column) -> None:
    """Set the bit of each code in the set of its group; a set has so many bytes, and code 0 is none."""
    for i in range(len(group)):
        if group[i] >= 0 and codes[i] != 0:
            code = int(codes[i])
            bits[group[i] * width + (code >> 3)] |= 1 << (code & 7)


def number_keys(group: Column, keys: Column, numbers: Column, state: Column) -> int:
    """Give each key of `group` that has none the next number; how many rows were done before the table was half full.

    `keys` and `numbers` are a table of a power of two places, -1 where one is free; `state` has how many it holds.
    """
    mask = len(keys) - 1
    for i in range(len(group)):
        key = group[i]
        if key < 0:
            continue
        place = ((key * SPREAD) >> 24) & mask
        while keys[place] != key and keys[place] != -1:
            place = (place + 1) & mask
        if keys[place] == -1:
            if 2 * state[0] >= len(keys):
                return i
            keys[place] = key
            numbers[place] = state[0]
            state[0] += 1
    return len(group)


def rehash(old_keys: Column, old_numbers: Column, keys: Column, numbers: Column) -> None:
    """Put all of one table into a larger one that is empty."""
    mask = len(keys) - 1
    for i in range(len(old_keys)):
        key = old_keys[i]
        if key >= 0:
            place = ((key * SPREAD) >> 24) & mask
            while keys[place] != -1:
                place = (place + 1) & mask
            keys[place] = key
            numbers[place] = old_numbers[i]


def find_numbers(keys: Column, numbers: Column, group: Column) -> None:
    """Put in the place of each key the number that the table has for it; all of them are there."""
    mask = len(keys) - 1
    for i in range(len(group)):
        key = group[i]
        if key >= 0:
            place = ((key * SPREAD) >> 24) & mask
            while keys[place] != key:
                place = (place + 1) & mask
            group[i] = numbers[place]


def renumber(numbers: Column, group: Column) -> None:
    """Put in the place of each group what the table has for it."""
    for i in range(len(group)):
        if group[i] >= 0:
            group[i] = numbers[group[i]]


def _arrays(*types: str) -> str:
    return ", ".join(SPELLED.get(each, f"{each}[::1]") for each in types)


def _for_each(column: tuple[str, ...], *others: str) -> tuple[str, ...]:
    return tuple(f"void({_arrays(each, *others)})" for each in column)


def _for_cells(*others: str) -> tuple[str, ...]:
    """With each number of narrow columns, without and with a wide one."""
    return tuple(
        f"void({_arrays('int64', 'uint32')}, UniTuple({_arrays('uint8')}, {count}), "
        f"UniTuple({_arrays('uint32')}, {count}), {wide}, {_arrays(*others)})"
        for count in range(1, MOST_NARROW + 1)
        for wide in ("none, none", _arrays("uint16", "uint32"))
    )


# Each kernel with the types that it is compiled for.
SIGNATURES: dict[Any, tuple[str, ...]] = {
    add_by_code: _for_each(CODES, "int64", "int64"),
    add_by_time: _for_each(("int64",), "int64", "int64", "int64"),
    keep_between: _for_each(NUMBERS, "number", "number", "int64"),
    count: _for_each(("int64",), "turns"),
    count_by_code: _for_each(CODES, "uint8", "int64", "turns"),
    count_values: _for_each(NUMBERS, "number", "int64", "turns"),
    sum_values: _for_each(NUMBERS, "number", "int64", "turns"),
    find_bounds: (f"void({_arrays('int64', 'int64', 'int64')})",),
    cut_stretches: (f"void({_arrays('int64', 'int64', 'int64', 'int64', 'int64')})",),
    count_cells: _for_cells("int32"),
    sum_cells: _for_cells("int32", "number", "int64", "int32"),
    count_stretches: (f"void({_arrays('int64', 'uint32', 'int32')})",),
    sum_stretches: (f"void({_arrays('int64', 'uint32', 'int32', 'number', 'int64', 'int32')})",),
    find_new: (f"int64({_arrays('uint32', 'uint32', 'uint32')})",),
    mark_codes: _for_each(CODES, "number", "int64", "uint8"),
    number_keys: (f"int64({_arrays('int64', 'int64', 'int32', 'int64')})",),
    rehash: _for_each(("int64",), "int32", "int64", "int32"),
    find_numbers: _for_each(("int64",), "int32", "int64"),
    renumber: _for_each(("int32",), "int64"),
}
