"""A JSON array of objects, cut into its elements as it comes, so that no more than one is held."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from calltally.errors import UnreadableFile
from calltally.ingestion.files.content import Content
from calltally.ingestion.files.gathering import Gathering
from calltally.ingestion.files.json_columns import JsonRow, gathering, object_or_reason
from calltally.ingestion.files.lines import TOO_LONG
from calltally.ingestion.files.rows import LONGEST_KEPT_ROW, LONGEST_LINE, RowBatch

__all__ = ["BadElement", "read_deep_elements", "read_elements", "read_json_array"]

# A string ends at a line end too: it may not hold one, and so a quote too few does not turn the rest inside out.
_STRING_REST = rb'[^"\\\n]*+(?:\\.[^"\\\n]*+)*+'
_STRING = rb'"' + _STRING_REST + rb'["\n]'
STRING_REST = re.compile(_STRING_REST, re.DOTALL)
TO_BRACKET = re.compile(rb'[^"\[\]{}]*+(?:' + _STRING + rb'[^"\[\]{}]*+)*+', re.DOTALL)
TO_SEPARATOR = re.compile(rb'[^"\[\]{},]*+(?:' + _STRING + rb'[^"\[\]{},]*+)*+', re.DOTALL)
BLANKS = b" \t\r\n"
OPENING, ENDING = b"[{", b",]"
QUOTE, ARRAY_END = b'"]'


def read_json_array(content: Content) -> Iterator[RowBatch]:
    """The objects; raises `UnreadableFile` after the last whole element if the array is cut off or followed by text."""
    gathered = gathering()
    elements = _Elements()
    for chunk in content.chunks:
        gathered.bytes += len(chunk)
        for element in elements.feed(chunk):
            _take(gathered, element)
            yield from gathered.ready()
        if elements.followed:
            break
    if content.source.broken is None:
        for element in elements.finish():
            _take(gathered, element)
    yield from gathered.rest()
    where = f"after record {gathered.count}"
    content.source.check(where)
    if elements.followed or not elements.closed:
        what = "the array is followed by something else" if elements.followed else "the array breaks off"
        raise UnreadableFile(f"{content.source.name}: {what} {where} ({content.source.byte(content.source.position)})")


@dataclass(frozen=True)
class BadElement:
    """What is no object, or cannot be read: why, and its text, cut where it is long."""

    reason: str
    text: bytes


def read_elements(array: bytes) -> list[JsonRow | BadElement]:
    """The elements of a whole array that is JSON but for values that cannot be taken; each is read by itself."""
    elements = _Elements(longest=len(array))
    return [*elements.feed(array), *elements.finish()]


def read_deep_elements(array: bytes) -> list[JsonRow | BadElement] | None:
    """The elements of an array that is nested too deep to be read as a whole; None: it is no array, or malformed."""
    elements = _Elements(longest=len(array))
    found = [*elements.feed(array), *elements.finish()]
    is_array = array.lstrip(BLANKS).startswith(b"[") and elements.closed
    return found if is_array and not elements.followed and not elements.malformed else None


def _take(gathered: Gathering[JsonRow], element: JsonRow | BadElement) -> None:
    place = gathered.count + 1
    if isinstance(element, BadElement):
        gathered.refuse(place, element.reason, element.text.decode(errors="replace"))
    else:
        gathered.add_one(element, place)


class _Elements:
    """Where the cutting stands, in the bytes that are held: those of the element that is still open."""

    def __init__(self, *, longest: int = LONGEST_LINE) -> None:
        self.longest = longest  # bytes of an element
        self.held = b""
        self.start = 0  # of the element
        self.at = 0  # up to where it has been looked at
        self.depth = 0  # of brackets within it
        self.in_string = False
        self.long: bytes | None = None  # the beginning of an element that is being passed over
        self.opened = self.closed = self.followed = self.malformed = False

    def feed(self, chunk: bytes) -> Iterator[JsonRow | BadElement]:
        """The elements that end in this chunk."""
        self.held = self.held[self.start :] + chunk
        self.at -= self.start
        self.start = 0
        if not self.opened:
            self._open()
        if self.opened and not self.closed:
            yield from self._elements()
        if self.closed:
            self.followed = bool(self.held[self.start :].strip(BLANKS))
            self.start = self.at = len(self.held)

    def finish(self) -> Iterator[JsonRow | BadElement]:
        """What can be saved when no more bytes come and the array is not closed."""
        if not self.closed and (restart := self._restart(len(self.held))):
            yield from self._parts(restart)
            yield from self.feed(b"")

    def _open(self) -> None:
        blanks = len(self.held) - len(self.held.lstrip(BLANKS))
        self.opened = blanks < len(self.held)
        self.start = self.at = blanks + self.opened

    def _elements(self) -> Iterator[JsonRow | BadElement]:
        while not self.closed:
            if self._find_end():
                yield from self._element()
            elif self.long is None and self.at - self.start > self.longest:
                yield from self._part_or_pass()
            else:
                break
        if self.long is not None:
            self.start = self.at

    def _find_end(self) -> bool:
        """Go on to the comma or bracket behind the element; false if it is not among the bytes held."""
        held = self.held
        while True:
            if self.in_string:
                self.at = _end(STRING_REST, held, self.at)
                if held[self.at : self.at + 1] in (b"", b"\\"):
                    return False
                self.in_string = False
                self.at += 1
            self.at = _end(TO_BRACKET if self.depth else TO_SEPARATOR, held, self.at)
            if self.at == len(held):
                return False
            byte = held[self.at]
            if not self.depth and byte in ENDING:
                return True
            self._step(byte)

    def _step(self, byte: int) -> None:
        """Go past a quote or a bracket."""
        self.at += 1
        if byte == QUOTE:
            self.in_string = True
        elif byte in OPENING:
            self.depth += 1
        elif self.depth:
            self.depth -= 1

    def _element(self) -> Iterator[JsonRow | BadElement]:
        """The element that ends here; none before the end of an empty array, or behind a comma too many."""
        text = self.held[self.start : self.at].strip(BLANKS)
        closing = self.held[self.at] == ARRAY_END
        if self.long is not None:
            yield BadElement(TOO_LONG, self.long)
            self.long = None
        elif text or not closing:
            row = self._row(text)
            if isinstance(row, BadElement) and not _is_whole(text):
                self.malformed = True
                if restart := self._restart(self.at):
                    yield from self._parts(restart)
                    return
            yield row
        self.at += 1
        self.start = self.at
        self.closed = closing

    def _part_or_pass(self) -> Iterator[JsonRow | BadElement]:
        """Deal with an element that is too long: elements run together, or one whose rest is passed over."""
        if restart := self._restart(self.at):
            yield from self._parts(restart)
        else:
            self.long = self.held[self.start : self.at].lstrip(BLANKS)[:LONGEST_KEPT_ROW]

    def _restart(self, end: int) -> list[int]:
        """Where in a malformed element others begin: on lines that begin just as its own does.

        A bracket too few would otherwise take along everything that follows.
        """
        text = self.held[self.start : end]
        blanks = text[: len(text) - len(text.lstrip(BLANKS))]
        line_start = blanks.rfind(b"\n")
        if line_start < 0 or text[len(blanks) : len(blanks) + 1] != b"{":
            return []
        beginning = re.compile(re.escape(blanks[line_start:] + b"{"))
        return [self.start + found.start() for found in beginning.finditer(text, len(blanks))]

    def _parts(self, restart: list[int]) -> Iterator[JsonRow | BadElement]:
        """The elements that were run together up to the last, from which the search goes on."""
        for start, end in pairwise([self.start, *restart]):
            yield self._row(self.held[start:end].strip(BLANKS).removesuffix(b",").rstrip(BLANKS))
        self.start = self.at = restart[-1]
        self.depth = 0
        self.in_string = False

    def _row(self, text: bytes) -> JsonRow | BadElement:
        row = TOO_LONG if len(text) > self.longest else object_or_reason(text)
        return BadElement(row, text[:LONGEST_KEPT_ROW]) if isinstance(row, str) else row


def _is_whole(text: bytes) -> bool:
    """Whether this is JSON but for values that cannot be taken, so that what is within it is no element of its own."""
    try:
        json.loads(text.decode(errors="replace"), parse_int=str)  # of any length
    except ValueError:
        return False
    except RecursionError:  # as far as can be seen: its brackets are balanced
        return True
    return True


def _end(pattern: re.Pattern[bytes], text: bytes, start: int) -> int:
    """Where a pattern that matches anything, if only nothing, stops matching."""
    found = pattern.match(text, start)
    return found.end() if found else start
