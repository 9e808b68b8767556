"""What was measured: of all engines, with the command that does it."""

from collections.abc import Iterator, Sequence

from scripts.markdown import table
from scripts.scaling.numbers import COMMAND, NAMES, Plain, bytes_of, side_of

__all__ = ["measured"]

HOW = """\
**Measured**, by `{command} scaling`. One business of made-up calls (the same as in [Performance](performance.md), two
years of them) is imported into the embedded engine once, and copied from there, as `calltally migrate` does, to

- **{cluster}**: ClickHouse {cluster_version}, the oldest version that Calltally knows, as {shards} shards on this one
  machine, without replicas;
- **chDB**: ClickHouse {chdb_version} as a library, in a process of its own with the same tables: what the newest
  version brings, and one shard. It gets statements by a pipe rather than a socket, and rows as JSON.

Beside them are the two ways in which the embedded engine answers: from **columns in memory**, and from **the file** by
DuckDB. All four have to give the same rows and totals before the clock runs. What is timed is the engine alone, from a
plan to its rows: no HTTP, no answer given again. The clock on a cluster starts once its servers have merged what they
merge by themselves. The median of up to 30, the best of {rounds} rounds.

The machine: {cores} cores, {system}, Python {python}, DuckDB {duckdb}, Calltally {calltally}. All processes share its
cores: two shards here have no more cores than one, so **what a second shard brings cannot be seen in these numbers**,
only what a cluster costs. The load of the machine was {load:.1f} when the run began: where that is not near 0, others
were at work, and all times are longer than they need be.
"""
RATES = """\
**Measured**, the same run: millions of calls in a report's range by second and core, which is calls / seconds /
{cores} cores. Where a report takes a few milliseconds, most of them are not for calls, and the rate says little.
"""
GROWTH = """\
**Measured**, the same run: how many times as long a report takes of {larger} calls as of {smaller}. At most as many
times as there are more calls is what one hopes for.
"""
DISK = """\
**Measured**, the same run: bytes on the disk by call. Of a cluster that is the sum of `bytes_on_disk` of the active
parts in `system.parts` over all servers: `calls` has the calls, `places` finds them by their ids. Real calls with
longer or more varied texts take more.
"""
MEMORY = """\
**Measured**, the same run: the most memory (`VmHWM`) that each process held, reports about all callers, copying and
merging included. Columns alone take {columns}.
"""
COPYING = """\
**Measured**, the same run: rows by second from the file to the other side, by one process, its clients and servers on
the same cores, and how long the servers went on merging afterwards.
"""
REPORTS = "Milliseconds; `calls` are those that lie in the report's range of days.\n"


def measured(figures: Plain, found: Plain, sizes: Sequence[Plain]) -> str:
    """Reports, disk, memory and copying, of the sizes of business from the largest down."""
    machine = figures["machine"]
    how = HOW.format(
        command=COMMAND,
        cluster=NAMES["cluster"],
        cluster_version=side_of(sizes[0], "cluster")["version"],
        chdb_version=side_of(sizes[0], "chdb")["version"],
        shards=found["shards"],
        rounds=figures["rounds"],
        **machine,
    )
    columns = " and ".join(f"{size['columns_bytes_a_call']:.1f} bytes a call of {size['calls']:,}" for size in sizes)
    sections = [
        f"\n{how}\n### Reports\n\n{REPORTS}",
        *(f"\n{size['calls']:,} calls:\n\n{_times(size)}" for size in sizes),
        f"\n{RATES.format(cores=machine['cores'])}",
        *(f"\n{size['calls']:,} calls:\n\n{_rates(size)}" for size in sizes),
        *_growths(found["growth"]),
        f"\n### Disk\n\n{DISK}\n{_disk(sizes)}",
        f"\n### Memory\n\n{MEMORY.format(columns=columns)}\n{_memory(sizes)}",
        f"\n### Copying\n\n{COPYING}\n{_copying(sizes)}\n",
    ]
    return "".join(sections)


def _times(size: Plain) -> str:
    rows = [
        (report["title"], f"{report['calls']:,}", *(f"{each['ms']:,.1f}" for each in report["sides"]))
        for report in size["reports"]
    ]
    nothing = ("About days without calls", "0", *(f"{side['nothing_ms']:,.1f}" for side in size["sides"]))
    return table(("Report", "calls", *_names(size)), [*rows, nothing])


def _rates(size: Plain) -> str:
    rows = [
        (report["title"], *(f"{each['rows_a_second_a_core'] / 1e6:,.2f}" for each in report["sides"]))
        for report in size["reports"]
    ]
    return table(("Report", *_names(size)), rows)


def _names(size: Plain) -> Iterator[str]:
    return (NAMES[side["name"]] for side in size["sides"])


def _growths(growth: Sequence[Plain]) -> Iterator[str]:
    """A table for each step from one size to the next."""
    for smaller, larger in sorted({(each["from_calls"], each["to_calls"]) for each in growth}):
        of_step = [each for each in growth if each["from_calls"] == smaller]
        titles = dict.fromkeys(each["title"] for each in of_step)
        sides = dict.fromkeys(each["side"] for each in of_step)
        times = {(each["title"], each["side"]): each["more_time"] for each in of_step}
        more = {each["title"]: each["more_calls"] for each in of_step}
        rows = [(title, f"{more[title]:.1f}", *(f"{times[title, side]:.1f}" for side in sides)) for title in titles]
        shown = table(("Report", "more calls", *(NAMES[side] for side in sides)), rows)
        yield f"\n{GROWTH.format(smaller=f'{smaller:,}', larger=f'{larger:,}')}\n{shown}"


def _disk(sizes: Sequence[Plain]) -> str:
    rows = [
        (
            NAMES[side["name"]],
            f"{size['calls']:,}",
            f"{bytes_of(side):.1f}",
            " + ".join(f"{each['bytes_a_call']:.1f} {each['name']}" for each in side["tables"]),
            " + ".join(f"{each['parts']:,}" for each in side["tables"]),
        )
        for size in sizes
        for side in size["sides"]
        if side["name"] != "columns"
    ]
    return table(("On", "calls", "bytes a call", "of which", "parts"), rows)


def _memory(sizes: Sequence[Plain]) -> str:
    rows = [
        (NAMES[side["name"]], f"{size['calls']:,}", process["name"], f"{process['peak_mb']:,.0f}")
        for size in sizes
        for side in size["sides"]
        for process in side["processes"]
    ]
    return table(("On", "calls", "process", "MB"), rows)


def _copying(sizes: Sequence[Plain]) -> str:
    rows = [
        (
            NAMES[side["name"]],
            f"{size['calls']:,}",
            f"{side['copied']['rows_a_second']:,.0f}",
            f"{side['copied']['seconds']:,.0f}",
            f"{side['copied']['merging_seconds']:,.0f}",
        )
        for size in sizes
        for side in size["sides"]
        if side["copied"]
    ]
    imported = "".join(
        f"An import of {size['calls']:,} calls from Parquet into the file takes in "
        f"{size['import_calls_a_second']:,.0f} a second.\n"
        for size in sizes
    )
    return f"{table(('To', 'rows', 'rows a second', 'seconds', 'merging, seconds'), rows)}\n{imported}"
