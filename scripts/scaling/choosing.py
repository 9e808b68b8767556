"""When to leave the embedded engine."""

from scripts.markdown import table
from scripts.scaling.numbers import COMMAND, Plain, bytes_of, duration, gigabytes, of_side, rough, side_of

__all__ = ["choosing"]

MANY = (100_000_000, 1_000_000_000, 10_000_000_000)  # calls
MACHINES_GB = (16, 64, 256)
SEEN_AT_ONCE = 0.25  # of a machine's memory, which columns take unless told

CHOOSING = """\
## When to leave the embedded engine

**Measured:** of {calls} calls, a report takes {least:,.0f} to {most:,.0f} times as long on two shards as from columns
in memory on the same cores. A cluster is for what one machine cannot hold or must not be alone with, not for speed.
Stay embedded until one of these is so:

- **Columns do not fit.** **Measured:** {bytes:.1f} bytes a call in memory. By default they take at most a quarter of
  the machine's memory (`CALLTALLY_HOT_MEMORY`), all businesses together that are asked about at the same time. A
  business that does not fit is answered from its file, correct as ever.
- **The file does not suit.** **Measured:** {file:.1f} bytes a call on the disk, and a backup of {calls} calls takes
  {backup:.1f} s.
- **A start takes too long.** **Measured:** the columns of {calls} calls are built in {build:.1f} s, in the background:
  reports come from the file until then.
- **One machine must not be a single point of failure.** The embedded engine has no replicas; a backup and another
  machine are what there is. Replicas need a [cluster](operating.md#on-a-clickhouse-cluster), and
  [several nodes](operating.md#several-nodes) need one too.
{writes}
**Arithmetic**, calls × bytes a call, and seconds × calls / {count:,}:

"""
WRITES = """\
- **Calls come in faster than one process takes them.** **Measured**, by `{command} writing`: {posts:,.0f} single
  calls a second, {batches:,.0f} in arrays of {batch:,}, {stream:,.0f} in a stream. A cluster does not take single
  calls any faster: each write makes a part on every shard concerned.
"""
WRITES_ELSEWHERE = """\
- **Calls come in faster than one process takes them.** How many it takes is in [Performance](performance.md). A
  cluster does not take single calls any faster: each write makes a part on every shard concerned.
"""
LARGEST = """
**Arithmetic**, memory × {share:.0%} / {bytes:.1f} bytes: the most calls whose columns fit by default in machines of

"""
BUSINESSES = """
Count the calls of **one business**, and of those that people look at on the same day. A report reads calls of its own
business alone, in a file of its own or in its own stretch of the cluster's tables: ten billion calls of a thousand
businesses are ten million each.
"""


def choosing(size: Plain, writing: Plain | None) -> str:
    """By the largest business that was measured, and what was measured of writing, if it was."""
    ratios = [of_side(report, "cluster")["ms"] / of_side(report, "columns")["ms"] for report in size["reports"]]
    bytes_a_call, calls = size["columns_bytes_a_call"], size["calls"]
    file = bytes_of(side_of(size, "file"))
    text = CHOOSING.format(
        calls=f"{calls:,}",
        count=calls,
        least=min(ratios),
        most=max(ratios),
        bytes=bytes_a_call,
        file=file,
        backup=size["backup_seconds"],
        build=size["columns_seconds"],
        writes=_writes(writing),
    )
    rows = [
        (
            f"{many:,}",
            gigabytes(many * bytes_a_call),
            gigabytes(many * file),
            duration(size["backup_seconds"] * many / calls),
            duration(size["columns_seconds"] * many / calls),
        )
        for many in (calls, *MANY)
    ]
    grown = table(("Calls", "columns", "file", "backup", "building columns"), rows)
    fits = table(
        ("Machine", *(f"{memory} GB" for memory in MACHINES_GB)),
        [("calls", *(rough(memory * 1e9 * SEEN_AT_ONCE / bytes_a_call) for memory in MACHINES_GB))],
    )
    return text + grown + LARGEST.format(share=SEEN_AT_ONCE, bytes=bytes_a_call) + fits + BUSINESSES + "\n"


def _writes(writing: Plain | None) -> str:
    if not writing:
        return WRITES_ELSEWHERE
    return WRITES.format(
        command=COMMAND,
        posts=writing["posts"][0]["calls_a_second"],
        batches=writing["batches"]["calls_a_second"],
        batch=writing["batches"]["batch"],
        stream=writing["stream"]["calls_a_second"],
    )
