"""A plan for more calls than were measured: arithmetic, with its sums."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scripts.markdown import table
from scripts.scaling.numbers import Plain, bytes_of, duration, gigabytes, of_side, rough, short, side_of

__all__ = ["planned"]

COLUMNS, CLUSTER, CHDB = "columns", "cluster", "chdb"
SERVERS = (CLUSTER, CHDB)  # by which a cluster is planned: its oldest version and its newest
BILLION = 1_000_000_000
CORES, MEMORY_GB = 16, 128  # of each server
SHARDS = (2, 4, 8, 16)
HEADROOM = 2  # times what is stored, for merges and for what comes
WANTED_SECONDS = (1, 10)
GAIN = 1.3  # by all cores: a server that gains less is no faster for having more of them
UNIQUE = "unique_callers"
CALLERS_A_CALL, CALLER_BYTES = 2 / 5, 32  # of the made-up calls, and of a set of hashes with room for more


@dataclass(frozen=True)
class Goal:
    """A business of so many calls on so many shards."""

    calls: int
    shards: int

    @property
    def name(self) -> str:
        """The calls in words."""
        return f"{self.calls // BILLION} billion"


GOALS = (Goal(BILLION, 4), Goal(10 * BILLION, 16))

PLAN = """\
## A plan for 1 and 10 billion calls

**Arithmetic** from here on, for one business of {first} calls on {first_shards} shards, and of {second} on
{second_shards} shards. Each server is taken to have {cores} cores as fast as those measured, and {memory} GB of memory.
The rates are those of the largest business that was measured, of {calls} calls.

How many of its cores a server uses for one report was **measured**, in the same run: how many times as fast it reads
all of its own calls, with the others at rest, with {measured_cores} cores as with one.

{gains}
**Advice**: install a ClickHouse of today, not the oldest one that works.

### Disk

Calls × bytes a call (`calls` and `places` together) × replicas, and / shards for each server, of which each replica has
all of its shard; in brackets {headroom} times that, as room for merges and for growth (**advice**). The bytes are
{bytes}; here {most:.1f}.

"""
LATENCY = """
### Time of a report

The fixed part (a report about days without calls) + calls in the range / (rate by core × cores used × shards). The
fixed part is in the rate too, so that this errs on the slow side; that one server merges what all shards found is not
in it, so that it errs on the fast side where there are many groups. A report that counts callers is marked \\*: sets of
callers are merged on one server, which more shards do not make any faster, so that it is the least that it can take.
Columns in memory are those of the embedded engine, on one machine of {cores} cores with room for them.

{example}
"""
SHARDS_FOR = """
### Shards for a wanted time

Calls in the range / (rate by core × cores used × seconds), rounded up: so many shards answer in {first} s, and in
{second} s. More than a few dozen are no plan: they say that the report has to be about fewer days, or will take longer.
"""
MEMORY_PLAN = """
### Memory

- **Columns of the embedded engine**: {columns}.
{growth}- **Callers**: a report that counts callers holds each of them once a group, on each shard and on the server
  that is asked: 16 bytes for a hash and as much for room in the table is {callers}. The made-up calls have two callers
  for five calls.
- **Advice**, [ClickHouse's tips](https://clickhouse.com/docs/guides/oss/best-practices/tips): up to about 200 GB of
  compressed data, as much memory as data; beyond that 128 GB or more, so that what is asked about stays in the page
  cache. No swap.

### Moving there

Rows / rows a second, by one process, one business after the other. The proof at the end takes about ninety reports
more on each side.

"""


@dataclass(frozen=True)
class _Rates:
    """What a plan is made by: the largest business that was measured, on so many cores and shards."""

    size: Plain
    cores: int
    shards: int

    def version(self, name: str) -> str:
        """The engine as people know it."""
        return "columns in memory" if name == COLUMNS else f"ClickHouse {side_of(self.size, name)['version']}"

    def gains(self, name: str) -> bool:
        """Whether more cores make one report faster: of columns, each core takes a part of the calls."""
        gain = side_of(self.size, name)["all_cores"]
        return gain is None or bool(gain >= GAIN)

    def used(self, name: str) -> int:
        """How many cores of a server one report uses: all, or as many as a server had when it was measured."""
        return CORES if self.gains(name) else max(1, self.cores // (self.shards if name == CLUSTER else 1))

    def rate(self, report: Plain, name: str) -> float:
        """Calls by second and server."""
        return float(of_side(report, name)["rows_a_second_a_core"] * self.used(name))

    def in_range(self, report: Plain, goal: Goal) -> float:
        """The calls in a report's range: as large a part of all as of the business that was measured."""
        return float(goal.calls * report["calls"] / self.size["calls"])

    def fixed(self, name: str) -> float:
        """The seconds that a report takes before it reads any calls."""
        return float(side_of(self.size, name)["nothing_ms"] / 1000)

    def seconds(self, report: Plain, name: str, goal: Goal) -> float:
        """How long a report takes; columns are on one machine."""
        servers = 1 if name == COLUMNS else goal.shards
        return self.fixed(name) + self.in_range(report, goal) / (self.rate(report, name) * servers)

    def shards_for(self, report: Plain, name: str, goal: Goal, seconds: int) -> int:
        """How many shards answer within a time, but for the fixed part of it."""
        return -int(-self.in_range(report, goal) // (self.rate(report, name) * seconds))


def planned(found: Plain, sizes: Sequence[Plain], cores: int) -> str:
    """Disk, time, shards, memory and moving, by the sizes of business from the largest down, on so many cores."""
    rates, (first, second) = _Rates(sizes[0], cores, found["shards"]), GOALS
    stored = {name: bytes_of(side_of(rates.size, name)) for name in SERVERS}
    plan = PLAN.format(
        first=first.name,
        first_shards=first.shards,
        second=second.name,
        second_shards=second.shards,
        cores=CORES,
        memory=MEMORY_GB,
        measured_cores=cores,
        gains="".join(_gain(rates, name) for name in SERVERS),
        calls=f"{rates.size['calls']:,}",
        headroom=HEADROOM,
        bytes=" and ".join(f"{stored[name]:.1f} on {rates.version(name)}" for name in SERVERS),
        most=max(stored.values()),
    )
    first_wanted, second_wanted = WANTED_SECONDS
    return "".join(
        [
            plan,
            _disk(max(stored.values())),
            LATENCY.format(cores=CORES, example=_example(rates, first)),
            *(_latency(rates, goal) for goal in GOALS),
            SHARDS_FOR.format(first=first_wanted, second=second_wanted),
            *(_shards(rates, goal) for goal in GOALS),
            _memory(found, sizes),
            _moving(rates.size),
        ]
    )


def _gain(rates: _Rates, name: str) -> str:
    gain, used = side_of(rates.size, name)["all_cores"], rates.used(name)
    taken = f"use all {used} of its cores" if rates.gains(name) else f"be as fast as one of {_cores(used)}"
    return f"- {rates.version(name)}: {gain:.1f} times. A server is taken to {taken}.\n"


def _cores(count: int) -> str:
    return "one core" if count == 1 else f"{count} cores"


def _disk(bytes_a_call: float) -> str:
    rows = [
        (
            goal.name,
            *(gigabytes(goal.calls * bytes_a_call * replicas) for replicas in (1, 2)),
            *(_with_headroom(goal.calls * bytes_a_call / shards) for shards in SHARDS),
        )
        for goal in GOALS
    ]
    head = ("Calls", "all servers", "with two replicas", *(f"each of {shards} shards" for shards in SHARDS))
    return table(head, rows)


def _with_headroom(size: float) -> str:
    return f"{gigabytes(size)} ({gigabytes(HEADROOM * size)})"


def _example(rates: _Rates, goal: Goal) -> str:
    report = rates.size["reports"][0]
    rate = of_side(report, CLUSTER)["rows_a_second_a_core"]
    divided = f"{rates.in_range(report, goal):,.0f} / ({rate:,.0f} × {rates.used(CLUSTER)} × {goal.shards})"
    return (
        f"For one, *{report['title']}* of {goal.name} calls on {rates.version(CLUSTER)}: "
        f"{rates.fixed(CLUSTER):.3f} s + {divided} = {short(rates.seconds(report, CLUSTER, goal))} s."
    )


def _latency(rates: _Rates, goal: Goal) -> str:
    sides = (*SERVERS, COLUMNS)
    rows = [
        (
            _marked(report),
            rough(rates.in_range(report, goal)),
            *(short(rates.seconds(report, name, goal)) for name in sides),
        )
        for report in rates.size["reports"]
    ]
    head = ("Report", "calls in its range", *(f"{rates.version(name)}, s" for name in sides))
    return f"\nOf {goal.name} calls, clusters of {goal.shards} shards:\n\n{table(head, rows)}"


def _shards(rates: _Rates, goal: Goal) -> str:
    wanted = [(seconds, name) for seconds in WANTED_SECONDS for name in SERVERS]
    rows = [
        (_marked(report), *(f"{rates.shards_for(report, name, goal, seconds):,}" for seconds, name in wanted))
        for report in rates.size["reports"]
    ]
    head = ("Report", *(f"{rates.version(name)}, {seconds} s" for seconds, name in wanted))
    return f"\nOf {goal.name} calls:\n\n{table(head, rows)}"


def _memory(found: Plain, sizes: Sequence[Plain]) -> str:
    bytes_a_call = sizes[0]["columns_bytes_a_call"]
    columns = " and ".join(
        f"{goal.calls:,} × {bytes_a_call:.1f} bytes = {gigabytes(goal.calls * bytes_a_call)}" for goal in GOALS
    )
    callers = " and ".join(
        f"{goal.calls:,} × 2/5 × {CALLER_BYTES} bytes = {gigabytes(goal.calls * CALLERS_A_CALL * CALLER_BYTES)}"
        for goal in GOALS
    )
    return MEMORY_PLAN.format(columns=columns, callers=callers, growth="".join(_more_memory(sizes, found["shards"])))


def _more_memory(sizes: Sequence[Plain], shards: int) -> Iterator[str]:
    """How much more a server held for more calls, where two sizes were measured."""
    if len(sizes) < 2:
        return
    larger, smaller = sizes[:2]
    peaks = [max(each["peak_mb"] for each in _servers(size)) for size in (larger, smaller)]
    more_calls = (larger["calls"] - smaller["calls"]) / shards
    each = max(0.0, 1e6 * (peaks[0] - peaks[1])) / more_calls
    then = " and ".join(
        f"{gigabytes(1e6 * peaks[0] + each * (goal.calls / goal.shards - larger['calls'] / shards))} for {goal.name}"
        for goal in GOALS
    )
    yield (
        f"- **Each server**: ({peaks[0]:,.0f} MB − {peaks[1]:,.0f} MB) / {more_calls:,.0f} more calls on its shard = "
        f"{each:,.0f} bytes a call. Were that to go on, {then} on the shards above. With less memory, ask about "
        "callers of fewer days, or have more shards.\n"
    )


def _servers(size: Plain) -> list[Plain]:
    return [each for each in side_of(size, CLUSTER)["processes"] if each["name"].startswith("ClickHouse")]


def _moving(size: Plain) -> str:
    rate = side_of(size, CLUSTER)["copied"]["rows_a_second"]
    rows = [(goal.name, f"{goal.calls:,} / {rate:,.0f}", duration(goal.calls / rate)) for goal in GOALS]
    return table(("Calls", "rows / rows a second", "copying"), rows)


def _marked(report: Plain) -> str:
    return f"{report['title']} \\*" if UNIQUE in report["request"] else report["title"]
