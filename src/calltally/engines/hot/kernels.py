"""The loops over rows, written to be compiled: few and general, each over a stretch of one column.

`group` says of each row which group it is in. It begins as 0 and is added to by what the row's columns say; whatever
leaves a call out adds or sets REJECTED, so that it stays negative. These are plain functions: `compiled` makes them
fast. They call nothing of ours, raise nothing, and are given arrays of one stretch, whole in memory.
"""

from typing import Any

__all__ = ["REJECTED", "SIGNATURES"]

REJECTED = -(1 << 58)  # far below every group, and thirty of them still fit 64 bits
NEVER = 2**63 - 1  # after all instants
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


# Each kernel with the types that it is compiled for.
SIGNATURES: dict[Any, tuple[str, ...]] = {
    add_by_code: _for_each(CODES, "int64", "int64"),
    add_by_time: _for_each(("int64",), "int64", "int64", "int64"),
    keep_between: _for_each(NUMBERS, "number", "number", "int64"),
    count: _for_each(("int64",), "turns"),
    count_by_code: _for_each(CODES, "uint8", "int64", "turns"),
    count_values: _for_each(NUMBERS, "number", "int64", "turns"),
    sum_values: _for_each(NUMBERS, "number", "int64", "turns"),
    mark_codes: _for_each(CODES, "number", "int64", "uint8"),
    number_keys: (f"int64({_arrays('int64', 'int64', 'int32', 'int64')})",),
    rehash: _for_each(("int64",), "int32", "int64", "int32"),
    find_numbers: _for_each(("int64",), "int32", "int64"),
    renumber: _for_each(("int32",), "int64"),
}
