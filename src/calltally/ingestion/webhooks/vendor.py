"""What is said of a vendor's webhooks, once and as data: how they are signed, and what they mean."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from calltally.accounts import Credential
from calltally.ingestion.presets import Meaning
from calltally.localtime import OffsetTable

__all__ = ["Implies", "Leg", "Posted", "Vendor"]

Values = Mapping[str, object]


@dataclass(frozen=True)
class Posted:
    """What was sent to a webhook, as it came: before anything of it is believed.

    `address` is the one that the vendor sent it to, with the query; the names of `headers` are in lower case.
    """

    address: str = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Implies:
    """Where the vendor's value `name` is `word`, the call's `field` is `value`, unless the vendor says it itself."""

    name: str
    word: str
    field: str
    value: object


@dataclass(frozen=True)
class Leg:
    """Where the vendor's value `of` is there, this is but a leg of that other call, of which it says these fields."""

    of: str
    names: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Vendor:
    """One vendor's webhooks.

    `secret` is what the vendor calls the secret that it signs with; None: it sends one that is made here.
    `names` has for each field of a call the vendor's names, the first that has a value wins; None: they are our own.
    `meanings` has what the values of some of the vendor's names mean; the others stand for themselves.
    `event` is the vendor's name of what has happened, `events` are those of a call that has ended: nothing is done
    about others. `happened` is the vendor's name of the moment at which it happened, the end of the call.
    """

    label: str
    secret: str | None
    genuine: Callable[[Posted, Credential], bool]
    read: Callable[[bytes], Values]
    names: Mapping[str, tuple[str, ...]] | None = None
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    implies: tuple[Implies, ...] = ()
    leg: Leg | None = None
    event: str | None = None
    events: frozenset[str] = frozenset()
    happened: str | None = None
    moment: Callable[[str, OffsetTable], int | None] = lambda _, __: None
