"""Writing keeps little in memory, whatever is written."""

import subprocess
import sys

import pytest

from calltally.exporting import FORMATS, Format

# Writes as many batches of 10 MB as it is told to, and says how much memory that took, in KB.
WRITE = """
import sys
from pathlib import Path
import pyarrow as pa
from calltally.engines import EXPORT_SCHEMA
from calltally.exporting import write_calls
text = [f"{n:0500}" for n in range(2000)]
columns = [pa.array(text if field.type == pa.string() else [None] * 2000, field.type) for field in EXPORT_SCHEMA]
batch = pa.RecordBatch.from_arrays(columns, schema=EXPORT_SCHEMA)
with open("/dev/null", "wb") as stream:
    calls = write_calls((batch for _ in range(int(sys.argv[2]))), sys.argv[1], stream, lambda _: None)
assert calls == 2000 * int(sys.argv[2])
status = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
"""


@pytest.mark.parametrize("kind", FORMATS)
def test_memory_does_not_grow_with_the_calls(kind: Format) -> None:
    few, many = (int(run(kind, batches)) for batches in (6, 30))
    assert many - few < 100_000  # of 240 MB more


def run(kind: Format, batches: int) -> str:
    command = [sys.executable, "-c", WRITE, kind, str(batches)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
