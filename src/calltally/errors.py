"""Every error that Calltally raises on purpose.

    CalltallyError
    ├── InvalidRequest      what was asked does not hold; lists every problem found
    │   └── InvalidBody     the same of what was sent along
    ├── TooLarge            more was sent than is taken at once; names the cap
    ├── UnsupportedMedia    what was sent is in a form that is not read
    ├── Unauthorized        the key is missing, malformed, unknown or revoked
    ├── Forbidden           the key lacks a scope, which is named
    ├── Forged              a browser's request that does not show that it comes from a page of this server
    ├── NotFound            no such thing, or another business's
    ├── Conflict            what was asked contradicts what is there
    ├── Refused             another server, asked on somebody's behalf, refuses or gives no sensible answer
    ├── Unavailable         overloaded, stopping, or out of time: the same request may work later
    │   └── CallsUnreadable the calls of a business cannot be read from their file
    │       └── Damaged     as that is damaged
    ├── StorageFull         there is no room left on the disk
    ├── FolderInUse         another process owns the data folder
    ├── FolderUnusable      the data folder cannot be opened or is from a newer release
    └── UnreadableFile      a file to import cannot be read (further)

Anything else that is raised is a defect. HTTP status codes are mapped in `calltally.api.errors`, exit codes in
`calltally.cli`; neither is known here.
"""

import json
from dataclasses import dataclass

from calltally.nesting import cut_deep

__all__ = [
    "CallsUnreadable",
    "CalltallyError",
    "Conflict",
    "Damaged",
    "FolderInUse",
    "FolderUnusable",
    "Forbidden",
    "Forged",
    "InvalidBody",
    "InvalidRequest",
    "NotFound",
    "Problem",
    "Refused",
    "StorageFull",
    "TooLarge",
    "Unauthorized",
    "Unavailable",
    "UnreadableFile",
    "UnsupportedMedia",
    "shown",
]

OF_JSON = (bool, int, float, list, dict, type(None))
LONGEST_SHOWN = 100  # characters of what was given that a message repeats


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one parameter or field, in a sentence that a person can act on."""

    param: str
    message: str


class CalltallyError(Exception):
    """What all of them share: a message that is safe to show to whoever asked."""

    @property
    def message(self) -> str:
        """The sentence to show."""
        return str(self)


class InvalidRequest(CalltallyError):
    """The request breaks the contract; `problems` lists how, in the order of the parameter table."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems[0].message)
        self.problems = problems


class InvalidBody(InvalidRequest):
    """What was sent along with a request breaks the contract; `problems` lists how."""


class TooLarge(CalltallyError):
    """More was sent than is taken at once; the message names the cap."""


class UnsupportedMedia(CalltallyError):
    """What was sent is in a form that is not read; the message names those that are."""


class Unauthorized(CalltallyError):
    """The key is missing, malformed, unknown or revoked: always the same words, so that nothing is learnt."""

    def __init__(self) -> None:
        super().__init__("Invalid API key")


class Forbidden(CalltallyError):
    """The key is good, but lacks `scope`."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This key lacks the scope '{scope}'")
        self.scope = scope


class Forged(CalltallyError):
    """A browser sends a change along with its cookie, and nothing shows that a page of this server asked for it."""

    def __init__(self) -> None:
        super().__init__("This page is out of date, or the request did not come from this server; load the page again")


class NotFound(CalltallyError):
    """There is no such thing, or it is another business's."""


class Conflict(CalltallyError):
    """What was asked contradicts what is there: a folder in use, a name that means two things, as many keys as can be.

    A field that does is told as a problem of it, by `InvalidRequest`: a name that is taken, one more than there can be.
    """


class Refused(CalltallyError):
    """Another server, asked on somebody's behalf, refuses or gives no sensible answer: asking again would not help.

    `status` is the one that it answered with.
    """

    def __init__(self, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.status = status


class Unavailable(CalltallyError):
    """Not now: overloaded, stopping, or out of time. `retry_after` is in whole seconds."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class CallsUnreadable(Unavailable):
    """The calls of a business cannot be read from their file: somebody has to see why, the log says it."""


class Damaged(CallsUnreadable):
    """The file of the calls of a business is damaged: the same request may work once it is restored."""


class StorageFull(CalltallyError):
    """There is no room left on the disk for what was to be written; what was there before is whole."""


class FolderInUse(CalltallyError):
    """Another process owns the data folder."""


class FolderUnusable(CalltallyError):
    """The data folder, or a file in it, cannot be opened, or was written by a newer release."""


class UnreadableFile(CalltallyError):
    """A file to import cannot be read, or not further than where the message says."""


def shown(given: object) -> str:
    """What was given, quoted for a message and cut to 100 characters; what is not text is written as in JSON."""
    text = json.dumps(cut_deep(given), ensure_ascii=False, default=str) if isinstance(given, OF_JSON) else str(given)
    return f"'{text[:LONGEST_SHOWN]}'"
