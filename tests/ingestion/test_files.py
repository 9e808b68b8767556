"""Files are read as rows, whole or damaged, whatever they are written in."""

import contextlib
import csv
import datetime as dt
import gzip
import io
import itertools
import json
import random
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from calltally.errors import UnreadableFile
from calltally.ingestion.files import ABSENT, BadRow, RowBatch, RowReader, column_of, open_rows, plain
from calltally.ingestion.files.blocks import BlockReader
from calltally.ingestion.files.columns import joined
from calltally.ingestion.files.delimited import _Rows as LineRows
from calltally.ingestion.files.layout import Layout
from calltally.ingestion.files.lines import Lines
from calltally.ingestion.files.parquet import _kept, _values
from calltally.ingestion.files.source import Source
from tests.packing import PACKERS, in_blocks, zstd
from tests.permissions import said_by

KNOWN = ("id", "started_at", "source", "status", "duration_seconds")
CHUNKS = (1, 2, 3, 7, 64, 512 * 1024)


@dataclass
class Read:
    """What a file was read as."""

    reader: RowReader
    batches: list[RowBatch] = field(default_factory=list)
    error: str | None = None

    @property
    def rows(self) -> list[dict[str, object]]:
        rows = []
        for batch in self.batches:
            columns = {name: plain(column) for name, column in batch.columns.items()}
            rows += [
                {name: values[at] for name, values in columns.items() if values[at] is not ABSENT}
                for at in range(len(batch.places))
            ]
        return rows

    @property
    def values(self) -> list[tuple[object, ...]]:
        return [tuple(row.values()) for row in self.rows]

    @property
    def places(self) -> list[int]:
        return [place for batch in self.batches for place in batch.places]

    @property
    def numbers(self) -> list[int]:
        return [number for batch in self.batches for number in batch.numbers]

    @property
    def bad(self) -> list[BadRow]:
        return [bad for batch in self.batches for bad in batch.bad]

    @property
    def faults(self) -> list[tuple[int, str]]:
        return [(bad.place, bad.reason) for bad in self.bad]


Reading = Callable[..., Read]


def read_file(path: Path, known: Iterable[str] = KNOWN, chunk: int = 512 * 1024) -> Read:
    with open_rows(path, known=tuple(known), _chunk=chunk) as reader:
        read = Read(reader)
        try:
            for batch in reader:
                assert all(len(values) == len(batch.places) == len(batch.numbers) for values in batch.columns.values())
                read.batches.append(batch)
        except UnreadableFile as error:
            read.error = error.message
        assert reader.size is None or reader.position <= reader.size
    return read


@pytest.fixture
def read(tmp_path: Path) -> Reading:
    """Write a file and read it."""

    def write_and_read(name: str, content: bytes, **options: Any) -> Read:
        path = tmp_path / name
        path.write_bytes(content)
        return read_file(path, **options)

    return write_and_read


def refusal(path: Path) -> str:
    with pytest.raises(UnreadableFile) as caught:
        open_rows(path, known=KNOWN)
    return caught.value.message


# Which file, which format


@pytest.mark.parametrize(
    ("name", "content", "kind", "unit"),
    [
        ("a.csv", b"id\n1\n", "csv", "line"),
        ("a.tsv", b"id\tsource\n1\tx\n", "csv", "line"),
        ("a.txt", b"id\n1\n", "csv", "line"),
        ("a", b"id\n1\n", "csv", "line"),
        ("a", b' \n{"id": 1}\n', "ndjson", "line"),
        ("a", b' \n[{"id": 1}]', "json", "record"),
        ("a.txt", b'{"id": 1}\n', "ndjson", "line"),
        ("a.json", b'{"id": 1}\n', "ndjson", "line"),
        ("a.JSON", b'[{"id": 1}]\n', "json", "record"),
        ("a.jsonl", b'{"id": 1}\n', "ndjson", "line"),
        ("a.csv", b"{id\n1\n", "csv", "line"),
        ("a.csv", b"\xef\xbb\xbfid\n1\n", "csv", "line"),
    ],
)
def test_format_is_told_by_content_and_name(read: Reading, name: str, content: bytes, kind: str, unit: str) -> None:
    for suffix, packed in (
        ("", content),
        (".gz", gzip.compress(content)),
        (".gz", content),
        ("", gzip.compress(content)),
        (".zst", zstd.compress(content)),
        (".ZSTD", zstd.compress(content)),
        ("", zstd.compress(content)),
    ):
        found = read(name + suffix, packed)
        assert (found.reader.format, found.reader.unit, len(found.rows), found.bad, found.error) == (
            kind, unit, 1, [], None,
        )  # fmt: skip


def test_ndjson_whose_first_line_is_garbage_is_still_ndjson(read: Reading) -> None:
    found = read("a.ndjson", b'garbage\n{"id": 1}\n')
    assert found.reader.format == "ndjson"
    assert [bad.place for bad in found.bad] == [1]
    assert found.rows == [{"id": 1}]


@pytest.mark.parametrize("name", ["a.csv", "a.ndjson", "a.json", "a.parquet", "a", "a.csv.gz"])
def test_an_empty_file_has_no_rows(read: Reading, name: str) -> None:
    found = read(name, b"")
    assert (found.rows, found.bad, found.error) == ([], [], None)
    for suffix, pack in PACKERS.items():
        found = read(name + suffix, pack(b""))
        assert (found.rows, found.bad, found.error) == ([], [], None)


@pytest.mark.parametrize("content", [b'{\n "id": 1\n}\n', b'\n { \r\n  "id": 1}', b"\xef\xbb\xbf{\n}"])
@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "a"])
def test_an_object_over_several_lines_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert "this has JSON objects over several lines; write one a line, or an array" in refusal(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ('{"data":{"calls":[{"id":"a"}],"next_cursor":null}}', "data.calls"),
        ('{"calls": []}', "calls"),
        ('{\n  "page": 1,\n  "note": "a \\"quote\\", {",\n  "calls": [\n    {"id": "a"}\n  ]\n}\n', "calls"),
        ('\n{\n  "data": {\n    "total": 5,\n    "calls": [', "data.calls"),
    ],
)
@pytest.mark.parametrize("name", ["page.json", "page.ndjson", "page"])
def test_calls_within_an_answer_are_named(tmp_path: Path, name: str, content: str, where: str) -> None:
    (tmp_path / name).write_text(content)
    said = f"{name}: the calls are in '{where}' of a larger JSON object; give that array alone"
    assert refusal(tmp_path / name) == said


@pytest.mark.parametrize("content", ['{"id": "a", "data": {"calls": 5}}\n', '{"calls": 5}\n', '{"data": [1]}\n'])
def test_objects_with_such_names_are_rows(read: Reading, content: str) -> None:
    assert read("a.ndjson", content.encode()).rows == [json.loads(content)]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["calls.csv", "calls.txt", "calls", "calls.json"])
def test_utf16_without_a_mark_is_named(tmp_path: Path, name: str, encoding: str) -> None:
    (tmp_path / name).write_bytes("id,started_at,Größe\r\n1,2026-03-09,x\r\n".encode(encoding))
    kind = f"UTF-16 ({encoding[-2:].upper()})"
    assert refusal(tmp_path / name) == f"{name}: this looks like {kind} without a byte order mark; save it as UTF-8"


@pytest.mark.parametrize("content", [b"\n\n", b" ", b"\xef\xbb\xbf", b"\xff\xfe", b"sep=;\n"])
def test_a_file_of_blanks_has_no_rows(read: Reading, content: bytes) -> None:
    found = read("a.csv", content)
    assert (found.rows, found.bad, found.error) == ([], [], None)


@pytest.mark.parametrize("content", [b"id,source", b"id,source\n", b"\n\nid;source\r\n\r\n"])
def test_only_a_header_has_no_rows(read: Reading, content: bytes) -> None:
    found = read("a.csv", content)
    assert found.reader.columns == ("id", "source")
    assert (found.rows, found.bad, found.error) == ([], [], None)


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.csv")
    assert "folder" in refusal(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    assert "cannot be opened" in refusal(tmp_path / "file" / "inner.csv")


READ_AND_SAY = """
import sys
from pathlib import Path
from calltally.errors import UnreadableFile
from calltally.ingestion.files import open_rows
try:
    list(open_rows(Path(sys.argv[1]), known=()))
except UnreadableFile as refused:
    print(refused)
"""


def test_no_permission_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id\n")
    path.chmod(0)
    assert "may not be read" in said_by(READ_AND_SAY, path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04....", "Excel"),
        (b"%PDF-1.4", "PDF"),
        (b"\xfd7zXZ....", "an xz archive; unpack it, or pack it with gzip"),
        (gzip.compress(gzip.compress(b"id\n", mtime=0), mtime=0), "a gzip archive in an archive; unpack it once"),
        (gzip.compress(zstd.compress(b"id\n"), mtime=0), "a zstd archive in an archive; unpack it once"),
        (bytes(range(32)) * 10, "none of CSV"),
    ],
)
def test_what_is_no_known_format_is_said(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "calls"
    path.write_bytes(content)
    assert says in refusal(path)


def test_position_ends_at_size(read: Reading) -> None:
    content = b"id\n" + b"1\n" * 50_000
    for packed in (content, gzip.compress(content), zstd.compress(content)):
        found = read("a.csv", packed)
        assert found.reader.size == found.reader.position == len(packed)
        assert len(found.batches) > 1


# Archives


def many_rows(count: int) -> bytes:
    numbers = random.Random(5)
    return b"id,source\n" + b"".join(b"%d,%x\n" % (at, numbers.getrandbits(200)) for at in range(count))


UNPACKED: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda cut: zlib.decompressobj(31).decompress(cut),
    ".zst": lambda cut: zstd.ZstdDecompressor().decompress(cut),
}


@pytest.mark.parametrize("chunk", [100, 512 * 1024])
@pytest.mark.parametrize("suffix", PACKERS)
def test_a_truncated_archive_gives_every_whole_row_then_says_where(read: Reading, suffix: str, chunk: int) -> None:
    packed = PACKERS[suffix](many_rows(20_000))
    cut = packed[: len(packed) // 2]
    whole = UNPACKED[suffix](cut).count(b"\n")
    found = read(f"calls.csv{suffix}", cut, chunk=chunk)
    assert len(found.rows) == whole - 1 > 5000
    assert found.numbers == list(range(1, whole))
    assert found.bad == []
    assert found.error == f"calls.csv{suffix}: the archive breaks off after line {whole} (byte {len(cut)} of the file)"


@pytest.mark.parametrize("chunk", [100, 512 * 1024])
def test_a_damaged_archive_gives_the_rows_before_the_damage(read: Reading, chunk: int) -> None:
    packed = gzip.compress(b"id,source\n") + gzip.compress(many_rows(500).partition(b"\n")[2])
    damaged = packed + b"\x1f\x8b\x08\x00" + b"\0" * 6 + b"\xff" * 200
    found = read("calls.csv.gz", damaged, chunk=chunk)
    assert len(found.rows) == 500
    assert found.error is not None
    assert "the archive is damaged after line 501 (byte " in found.error


def test_damage_in_the_middle_is_found(read: Reading) -> None:
    packed = bytearray(gzip.compress(many_rows(3000)))
    packed[len(packed) // 2] ^= 0xFF
    found = read("calls.csv.gz", bytes(packed))
    assert found.error is not None
    assert "damaged after line" in found.error
    assert len(found.rows) >= 1000
    assert found.rows[0]["id"] == "0"


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("whole", [0, 1, 7, 29])
def test_a_damaged_block_takes_nothing_with_it_of_those_before(read: Reading, whole: int, chunk: int) -> None:
    lines = many_rows(300).splitlines(keepends=True)
    blocks = in_blocks(b"".join(lines[at : at + 10]) for at in range(0, 300, 10))
    start = len(b"".join(blocks[:whole]))
    damaged = bytearray(b"".join(blocks))
    damaged[start + (6 if whole == 0 else 0)] |= 0b110  # a type of block that there is not
    found = read("calls.csv.zst", bytes(damaged), chunk=chunk)
    assert len(found.rows) == max(0, 10 * whole - 1)
    assert found.error == (
        f"calls.csv.zst: the archive is damaged after line {10 * whole} (byte {start or 6} of the file)"
    )


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_wrong_checksum_of_a_frame_is_found_behind_the_last_row(read: Reading, chunk: int) -> None:
    packed = bytearray(b"".join(in_blocks([b'{"id": 1}\n{"id": 2}\n'])))
    packed[-1] ^= 1
    found = read("calls.ndjson.zst", bytes(packed), chunk=chunk)
    assert found.rows == [{"id": 1}, {"id": 2}]
    assert found.error == (
        f"calls.ndjson.zst: the archive is damaged after line 2 (byte {len(packed) - 4} of the file)"
    )


def skippable(content: bytes, kind: int = 0) -> bytes:
    return bytes((0x50 + kind, 0x2A, 0x4D, 0x18)) + len(content).to_bytes(4, "little") + content


@pytest.mark.parametrize("chunk", CHUNKS)
def test_frames_and_what_is_between_them_are_one_archive(read: Reading, chunk: int) -> None:
    frames = [skippable(b"\n" * 10), zstd.compress(b"id,sour"), zstd.compress(b""), skippable(b"", 15)]
    packed = b"".join([*frames, *in_blocks([b"ce\n1", b",x\n"]), skippable(zstd.compress(b"2,y\n"))])
    found = read("a.csv.zst", packed, chunk=chunk)
    assert (found.values, found.error) == ([("1", "x")], None)
    found = read("a.csv.zst", packed[:-1], chunk=chunk)
    assert found.values == [("1", "x")]
    assert found.error == f"a.csv.zst: the archive breaks off after line 2 (byte {len(packed) - 1} of the file)"


def test_zstd_of_every_shape(read: Reading) -> None:
    """Levels, with and without a size and a checksum in the header; runs, and blocks that cannot be packed."""
    contents = [many_rows(8_000), b"id,source\n" + b"1,x\n" * 50_000, b"id\n" + b"x" * 900_000 + b"\n", b"id\n1\n"]
    parameter = zstd.CompressionParameter
    for content, level, size, checksum in itertools.product(contents, (-5, 6), (0, 1), (0, 1)):
        options = {int(parameter.compression_level): level, int(parameter.content_size_flag): size}
        packed = zstd.compress(content, options=options | {int(parameter.checksum_flag): checksum})
        found = read("a.csv.zst", packed)
        assert (len(found.rows), found.error) == (content.count(b"\n") - 1, None)


def test_frames_that_cannot_be_unpacked_here(read: Reading) -> None:
    good = zstd.compress(b"id,source\n1,x\n")
    wide = zstd.compress(b"2,y\n", options={zstd.CompressionParameter.window_log: 27})
    large = b"\x28\xb5\x2f\xfd\x00" + bytes([(28 - 10) << 3]) + b"\x01\x00\x00"
    words = zstd.train_dict([b"call %d was answered" % at for at in range(1000)], 1000)
    foreign = zstd.compress(b"call 7 was answered", zstd_dict=words)
    for bad, why in (
        (large, "a frame that needs more than 128 MB of memory (zstd --long) stands"),
        (foreign, "a frame that needs a dictionary stands"),
    ):
        found = read("a.csv.zst", good + wide + bad)
        assert found.values == [("1", "x"), ("2", "y")]
        assert found.error == f"a.csv.zst: {why} after line 3 (byte {len(good + wide)} of the file)"


def test_a_wrong_checksum_is_found_behind_the_last_row(read: Reading) -> None:
    packed = bytearray(gzip.compress(b'{"id": 1}\n{"id": 2}\n'))
    packed[-8] ^= 1
    found = read("calls.ndjson.gz", bytes(packed))
    assert found.rows == [{"id": 1}, {"id": 2}]
    assert found.error is not None
    assert "damaged after line 2" in found.error


@pytest.mark.parametrize("chunk", CHUNKS)
def test_members_and_padding_are_one_archive(read: Reading, chunk: int) -> None:
    packed = gzip.compress(b"id,sour") + gzip.compress(b"") + b"\0" * 9 + gzip.compress(b"ce\n1,x\n") + b"\0" * 1000
    found = read("a.csv.gz", packed, chunk=chunk)
    assert (found.values, found.error) == ([("1", "x")], None)


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("garbage", [b"garbage", b"g"])
@pytest.mark.parametrize("suffix", PACKERS)
def test_garbage_behind_an_archive_is_a_break(read: Reading, suffix: str, garbage: bytes, chunk: int) -> None:
    packed = PACKERS[suffix](b"id,source\n1,x\n2,y\n")
    found = read("a.csv", packed + garbage, chunk=chunk)
    assert [row["id"] for row in found.rows] == ["1", "2"]
    assert found.error == (
        f"a.csv: the archive is followed by something else after line 3 (byte {len(packed)} of the file)"
    )


@pytest.mark.parametrize(
    ("suffix", "cut"), [*((".gz", cut) for cut in range(2, 14)), *((".zst", cut) for cut in range(4, 12))]
)
def test_an_archive_cut_at_its_very_beginning(read: Reading, suffix: str, cut: int) -> None:
    found = read("a.csv", PACKERS[suffix](b"id\n1\n")[:cut])
    assert found.rows == []
    assert found.error is not None
    assert "breaks off after line 0" in found.error


def test_an_archive_that_breaks_off_in_a_quoted_record(read: Reading) -> None:
    content = b'id,source\n1,x\n2,"' + many_rows(2000)
    packed = gzip.compress(content)
    found = read("a.csv.gz", packed[:-100])
    assert (found.values, found.bad) == ([("1", "x")], [])
    assert found.error is not None
    assert "after line 2 " in found.error


MEASURE = """
import resource, sys
from pathlib import Path
from calltally.ingestion.files import open_rows, plain
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows, bad = [], []
with open_rows(Path(sys.argv[1]), known=("id", "source")) as reader:
    for batch in reader:
        rows += plain(batch.columns.get("id", []))
        bad += batch.bad
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(len(rows), [(row.place, row.reason, len(row.text)) for row in bad], peak)
"""


@pytest.mark.parametrize(
    ("name", "before", "filler", "after", "place"),
    [
        ("bomb.csv.gz", b"id,source\n1,x\n", b"a", b"\n2,y\n", 3),
        ("bomb.csv.gz", b"id,source\n1,x\n", b',"', b"\n2,y\n", 3),
        ("bomb.ndjson.gz", b'{"id": 1}\n{"id": "', b"a", b'"}\n{"id": 2}\n', 2),
        ("bomb.csv.zst", b"id,source\n1,x\n", b"a", b"\n2,y\n", 3),
        ("bomb.ndjson.zst", b'{"id": 1}\n{"id": "', b"ab", b'"}\n{"id": 2}\n', 2),
        ("bomb.json.gz", b'[{"id": 1}, {"id": "', b"a", b'"}, {"id": 2}]', 2),
        ("bomb.json.gz", b'[{"id": 1}, {"id": ', b"[" + b"1," * 2000 + b"1],", b'3}, {"id": 2}]', 2),
    ],
)
def test_an_endless_line_is_passed_over_in_little_memory(
    tmp_path: Path, name: str, before: bytes, filler: bytes, after: bytes, place: int
) -> None:
    path = tmp_path / name
    with zstd.open(path, "wb") if path.suffix == ".zst" else gzip.open(path, "wb", compresslevel=1) as file:
        file.write(before)
        for _ in range(100):
            file.write(filler * (1_000_000 // len(filler)))
        file.write(after)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], check=True, capture_output=True, text=True, timeout=100
    )
    rows, bad, peak = done.stdout.strip().partition(" ")[0], *done.stdout.partition(" ")[2].rsplit(" ", 1)
    assert rows == "2"
    shown = 65_536 + 4  # more than is given back
    assert bad.startswith(f"[({place}, 'is longer than 1,000,000 bytes', {shown}")
    assert int(peak) < 40_000  # KB


# Encodings


def test_a_row_that_is_not_utf8_is_bad_and_those_around_it_are_good(read: Reading) -> None:
    filler = "".join(f"{at},é\n" for at in range(130_000)).encode()
    content = b"id,source\n" + filler + b"bad,\xff\xfe\n" + b"good,x\n" + b"bad,\xe9\ngood,y\n"
    assert len(filler) > 1_000_000
    found = read("a.csv", content)
    assert found.faults == [(130_002, "is not UTF-8 text"), (130_004, "is not UTF-8 text")]
    assert found.bad[0].text == "bad,\ufffd\ufffd"
    assert len(found.rows) == 130_002
    assert found.numbers[-2:] == [130_002, 130_004]
    assert found.places[-2:] == [130_003, 130_005]


def test_a_character_cut_at_the_edge_of_the_first_megabyte_is_utf8(read: Reading) -> None:
    for shift in range(3):
        content = b"id,source\n" + b"x" * shift + "€\n".join(["1,"] * 300_000).encode() + b"\xff\n"
        found = read("a.csv", content)
        assert [reason for _, reason in found.faults][-1:] == ["is not UTF-8 text"]


@pytest.mark.parametrize("chunk", CHUNKS)
def test_windows_1252(read: Reading, chunk: int) -> None:
    found = read("a.csv", b"id,source\n1,caf\xe9 \x80\n2,\x81\n3,\x93x\x94\n", chunk=chunk)
    assert [row["source"] for row in found.rows] == ["café €", "“x”"]
    assert found.faults == [(3, "is not Windows-1252 text")]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_utf8_that_is_cut_off_within_a_character_has_one_bad_row(read: Reading, cut: int) -> None:
    found = read("a.csv", "id,source\n1,café\n2,𝄞".encode()[:-cut])
    assert found.rows == [{"id": "1", "source": "café"}]
    assert found.faults == [(3, "is not UTF-8 text")]


@pytest.mark.parametrize("before", [b"1,cafe\n", b"1,caf\xe9\n"])
def test_windows_1252_whose_last_byte_is_a_letter_with_an_accent(read: Reading, before: bytes) -> None:
    found = read("a.csv", b"id,source\n" + before + b"2,ol\xe9")
    assert found.values[-1] == ("2", "olé")
    assert not found.faults


def test_json_is_never_windows_1252(read: Reading) -> None:
    found = read("a.ndjson", b'{"id": "caf\xe9"}\n{"id": "x"}\n')
    assert found.rows == [{"id": "x"}]
    assert [bad.place for bad in found.bad] == [1]
    assert found.bad[0].text == '{"id": "caf\ufffd"}'


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
def test_a_byte_order_mark_decides(read: Reading, encoding: str, chunk: int) -> None:
    def encoded(text: str) -> bytes:
        return ("\ufeff" + text).encode(encoding)

    found = read("a.csv", encoded("id,source\r\n1,𝄞é\r\n"), chunk=chunk)
    assert found.rows == [{"id": "1", "source": "𝄞é"}]
    assert read("a.ndjson", encoded('{"id": "𝄞"}\n'), chunk=chunk).rows == [{"id": "𝄞"}]
    assert read("a.json", encoded('[{"id": "𝄞"}]'), chunk=chunk).rows == [{"id": "𝄞"}]
    assert read("a.csv.gz", gzip.compress(encoded("id\n1\n")), chunk=chunk).rows == [{"id": "1"}]


@pytest.mark.parametrize("chunk", CHUNKS)
def test_half_a_character_of_utf16_is_a_bad_row(read: Reading, chunk: int) -> None:
    content = "\ufeffid\n1\n".encode("utf-16-le") + b"\x00\xd8" + "\n2\n".encode("utf-16-le") + b"3"
    found = read("a.csv", content, chunk=chunk)
    assert found.rows == [{"id": "1"}, {"id": "2"}]
    assert found.faults == [(3, "is not UTF-8 text"), (5, "is not UTF-8 text")]


# CSV


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_quotes_are_found(read: Reading, delimiter: str, quote: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quotechar=quote, lineterminator="\n", quoting=csv.QUOTE_ALL)
    rows = [("1", f"a{delimiter}b"), ("2", f"it is {quote}so{quote}, yes; or | no\tsir")]
    writer.writerows([("id", "source"), *rows])
    found = read("a.csv", text.getvalue().encode())
    assert (found.reader.columns, found.values, found.bad) == (("id", "source"), rows, [])


def test_unknown_names_are_split_by_the_widths(read: Reading) -> None:
    found = read("a.csv", b"a;b;c\n1,5;2,5;x\n1,5;2\n1,5;2,5;x\n")
    assert found.reader.columns == ("a", "b", "c")
    assert found.faults == [(3, "has 2 values where the header has 3")]


def test_known_names_win_over_widths(read: Reading) -> None:
    found = read("a.csv", b"a|b,c|d,id;source\n1|2,3|4,5;6\n", known=("id", "Source"))
    assert found.reader.columns == ("a|b,c|d,id", "source")


@pytest.mark.parametrize("line", [b"sep=;", b'"sep=;"', b"SEP=;"])
def test_a_separator_line_is_honoured(read: Reading, line: bytes) -> None:
    found = read("a.csv", line + b"\r\nid,x;source\r\n1;2\r\n")
    assert found.reader.columns == ("id,x", "source")
    assert (found.values, found.places, found.numbers) == ([("1", "2")], [3], [1])


def test_names_are_trimmed_filled_in_and_made_different(read: Reading) -> None:
    found = read("a.csv", b" id ,,id,source,id (2),source\n1,2,3,4,5,6\n")
    assert found.reader.columns == ("id", "column 2", "id (2)", "source", "id (2) (2)", "source (2)")
    assert found.values == [("1", "2", "3", "4", "5", "6")]


def test_a_name_repeated_very_often_takes_no_longer_than_others(read: Reading) -> None:
    found = read("a.csv", b",".join([b"id"] * 200_000) + b"\n")
    assert found.reader.columns is not None
    assert found.reader.columns[-1] == "id (200000)"


def test_empty_lines_before_the_header(read: Reading, tmp_path: Path) -> None:
    found = read("a.csv", b"\n" * 300 + b"sep=;\n" + b"\n" * 300 + b"id;source\n1;x\n")
    assert (found.values, found.places) == ([("1", "x")], [603])
    path = tmp_path / "a.csv"
    path.write_bytes(b"\n" * 2_000_000 + b"id,source\n1,x\n")
    assert "a megabyte of empty lines" in refusal(path)


def test_ragged_rows_are_bad(read: Reading) -> None:
    found = read("a.csv", b"id,source,status\n1,x,y\n2,x\n\n  \n3,x,y,z\n4,x,y\n")
    assert found.faults == [
        (3, "has 2 values where the header has 3"),
        (5, "has 1 value where the header has 3"),
        (6, "has 4 values where the header has 3"),
    ]
    assert found.bad[0].text == "2,x"
    assert (found.places, found.numbers) == ([2, 7], [1, 5])


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_ends(read: Reading, end: bytes, chunk: int) -> None:
    for last in (end, b""):
        found = read("a.csv", end.join([b"id,source", b"1,x", b"", b"2,y", b'3,"p', b'q"', b"4,z"]) + last, chunk=chunk)
        assert found.values == [("1", "x"), ("2", "y"), ("3", f"p{end.decode()}q"), ("4", "z")]
        assert (found.places, found.numbers, found.bad) == ([2, 4, 5, 7], [1, 2, 3, 4], [])


UNCLOSED = "a quote opened here is never closed"


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_quote_never_closed_takes_only_its_line(read: Reading, chunk: int) -> None:
    found = read("a.csv", b'id,source\n1,x\n2,"y\n3,z\n4,"w"\n5,"\n6,v\n', chunk=chunk)
    assert found.faults == [(3, UNCLOSED), (6, UNCLOSED)]
    assert [bad.text for bad in found.bad] == ['2,"y', '5,"']
    assert found.values == [("1", "x"), ("3", "z"), ("4", "w"), ("6", "v")]
    assert (found.places, found.numbers) == ([2, 4, 5, 7], [1, 3, 4, 6])


def test_a_quote_never_closed_gives_up_at_the_longest_line(read: Reading) -> None:
    rows = b"".join(b"%d,x\n" % at for at in range(400_000))
    found = read("a.csv", b'id,source\nbad,"x\n' + rows)
    assert found.faults == [(2, UNCLOSED)]
    assert len(found.rows) == 400_000
    assert found.places == list(range(3, 400_003))


def test_a_quote_closed_by_another_rows_takes_only_its_line(read: Reading) -> None:
    found = read("a.csv", b'id,source,status\n1,x,"y\n2,z,w\n3,12",w\n4,u,v\n')
    assert found.faults == [(2, "a quote opened here leaves 4 values where the header has 3")]
    assert found.values == [("2", "z", "w"), ("3", '12"', "w"), ("4", "u", "v")]


def test_quotes_closed_within_a_value_are_taken_as_they_are(read: Reading) -> None:
    found = read("a.csv", b'id,source\n1,"x" \n2,"say "hi" now"\n3,5" pipe\n')
    assert (found.bad, [row["id"] for row in found.rows]) == ([], ["1", "2", "3"])


def test_lines_that_each_open_a_quote_take_no_longer_than_others(read: Reading) -> None:
    found = read("a.csv", b'id,source\n1,"x"\n' + b'x","y\n' * 300_000)
    assert len(found.rows) + len(found.bad) == 300_001
    assert len(found.bad) >= 299_990


def test_a_quoted_value_may_be_as_long_as_a_line(read: Reading) -> None:
    value = "line\n" * 150_000
    found = read("a.csv", f'id,source\n1,"{value}"\n2,x\n'.encode())
    assert found.values == [("1", value), ("2", "x")]
    assert found.places == [2, 150_003]


@pytest.mark.parametrize("chunk", [1000, 512 * 1024])
def test_the_longest_line(read: Reading, chunk: int) -> None:
    for end in (b"\n", b"\r\n", b"\r"):
        lines = [b"id,source", b"1," + b"a" * 999_998, b"2," + b"a" * 999_999, b'3,"', b"b" * 1_000_001, b"4,x"]
        found = read("a.csv", end.join(lines), chunk=chunk)
        assert [row["id"] for row in found.rows] == ["1", "4"]
        too_long = "is longer than 1,000,000 bytes"
        assert found.faults == [(3, too_long), (4, UNCLOSED), (5, too_long)]
        assert len(found.bad[0].text) == 65_536 + 4
        assert found.places == [2, 6]


def test_a_last_line_that_is_too_long(read: Reading) -> None:
    found = read("a.csv", b"id,source\n1,x\n2," + b"a" * 3_000_000)
    assert [place for place, _ in found.faults] == [3]


def test_headers_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id," * 1_000_000)
    assert "first line is longer" in refusal(path)
    path.write_bytes(b'id,"source\n1,2\n')
    assert "the header, line 1, opens a quote" in refusal(path)
    path.write_bytes(b'\n"id\n1\n')
    assert "the header, line 2, opens a quote" in refusal(path)


def test_apostrophes_are_no_quotes(read: Reading) -> None:
    found = read("a.csv", b'id,source\n1,\'tis\n2,"x"\n3,"y\n4,"z"\n5,o\'clock\n')
    assert [row["source"] for row in found.rows] == ["'tis", "x", "z", "o'clock"]
    assert found.faults == [(4, UNCLOSED)]
    assert read("a.csv", b"id,source\n1,'tis\n2,x\n").values == [("1", "'tis"), ("2", "x")]


def test_batches_are_bounded(read: Reading) -> None:
    found = read("a.csv", b"id,source\n" + b"1,x\n" * 100_000)
    assert 4 <= len(found.batches) <= 6
    found = read("a.csv", b"id,source\n" + (b"1," + b"x" * 10_000 + b"\n") * 4000)
    assert len(found.batches) == 3
    found = read("a.csv", b"id,source\n" + (b"1,2," + b"x" * 10_000 + b"\n") * 4000)
    assert (len(found.bad), len(found.batches)) == (4000, 5)


# JSON


@pytest.mark.parametrize("chunk", CHUNKS)
def test_ndjson_with_bad_lines(read: Reading, chunk: int) -> None:
    content = (
        b'{"id": 1}\n\n{"id": 2,}\n \t\n[3]\n{"source": null, "id": 123456789012345678901234567890}\nnull\n{"id": [4]}'
    )
    found = read("a.ndjson", content, chunk=chunk)
    assert [row["id"] for row in found.rows] == [1, "123456789012345678901234567890", [4]]
    assert [bad.place for bad in found.bad] == [3, 5, 7]
    assert found.bad[0].reason.startswith("is not JSON: ")
    assert [bad.reason for bad in found.bad[1:]] == ["is not an object"] * 2
    assert (found.places, found.numbers) == ([1, 6, 8], [1, 4, 6])
    assert found.batches[0].columns["source"] == [ABSENT, None, ABSENT]


def test_ndjson_with_a_long_line_and_an_unfinished_archive(read: Reading) -> None:
    content = b'{"id": 1}\n{"id": "' + b"x" * 2_000_000 + b'"}\n{"id": 3}\n{"id": 4'
    found = read("a.ndjson", content)
    assert [row["id"] for row in found.rows] == [1, 3]
    assert [bad.place for bad in found.bad] == [2, 4]
    found = read("a.ndjson.gz", gzip.compress(content)[:-9])
    assert [row["id"] for row in found.rows] == [1, 3]
    assert [bad.place for bad in found.bad] == [2]
    assert found.error is not None
    assert "after line 3" in found.error


def test_deeply_nested_json_is_a_bad_row(read: Reading) -> None:
    deep = b'{"id": ' + b"[" * 300_000 + b"]" * 300_000 + b"}"
    assert len(read("a.ndjson", deep).bad) == 1
    assert len(read("a.json", b"[" + deep + b', {"id": 1}]').rows) == 1


def test_rows_that_each_name_a_new_column_do_not_multiply(read: Reading) -> None:
    content = b"".join(b'{"id": %d, "k%d": 1}\n' % (at, at) for at in range(10_000))
    found = read("a.ndjson", content)
    assert max(len(batch.columns) * len(batch.places) for batch in found.batches) <= 4_000_000
    assert [row["id"] for row in found.rows] == list(range(10_000))
    assert found.numbers == list(range(1, 10_001))
    assert found.rows[777] == {"id": 777, "k777": 1}


@pytest.mark.parametrize("chunk", CHUNKS)
def test_what_is_within_a_bad_element_is_no_row(read: Reading, chunk: int) -> None:
    bad = b'{"id": 1, "legs": [\n{"id": 2},\n{"id": 3}\n], "ticket": %b, "score": 1e400}' % (b"9" * 5000)
    found = read("a.json", b"[\n" + bad + b',\n{"id": 4}\n]', chunk=chunk)
    assert found.rows == [{"id": 4}]
    assert [bad.place for bad in found.bad] == [1]
    assert found.error is None


@pytest.mark.parametrize("chunk", CHUNKS)
def test_an_array_with_bad_elements(read: Reading, chunk: int) -> None:
    content = b'\n[{"id": 1, "source": "],{[\\"\\\\"}, {"id": nope}, 3 ,{"id": {"a": [{}, []]}},,'
    content += b' "x,]", {"id": 6}}, {"id": 7},]\n'
    found = read("a.json", content, chunk=chunk)
    assert found.rows == [{"id": 1, "source": '],{["\\'}, {"id": {"a": [{}, []]}}, {"id": 7}]
    assert [bad.place for bad in found.bad] == [2, 3, 5, 6, 7]
    assert [bad.text for bad in found.bad] == ['{"id": nope}', "3", "", '"x,]"', '{"id": 6}}']
    assert found.places == found.numbers == [1, 4, 8]
    assert found.error is None


@pytest.mark.parametrize("chunk", [10_000, 512 * 1024])
def test_an_array_with_an_element_that_is_too_long(read: Reading, chunk: int) -> None:
    content = b'[{"id": 1},\n{"id": "' + b"x\\\\" * 1_000_000 + b'"},\n{"id": 3}]'
    found = read("a.json", content, chunk=chunk)
    assert [row["id"] for row in found.rows] == [1, 3]
    assert found.faults == [(2, "is longer than 1,000,000 bytes")]
    assert found.bad[0].text.startswith('{"id": "x')
    assert found.places == [1, 3]


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize(
    "broken",
    [b'{"id": 2', b'{"id": "2}', b'{"id": [2}', b'{"id": 2, "x": {', b'{"id": 2]', b'{"id": 2}}', b'{"id": 2"}'],
)
def test_a_bracket_or_quote_too_few_takes_only_its_line(read: Reading, broken: bytes, chunk: int) -> None:
    content = b'[\n  {"id": 1},\n  ' + broken + b',\n  {"id": 3},\n  {"id": 4}\n]\n'
    found = read("a.json", content, chunk=chunk)
    assert found.rows == [{"id": 1}, {"id": 3}, {"id": 4}]
    assert [bad.place for bad in found.bad] == [2]
    assert found.error is None


def test_a_bracket_too_few_in_a_long_array(read: Reading) -> None:
    lines = [b'{"id": %d}' % at for at in range(200_000)]
    lines[7] = lines[90_000] = b'{"id": {'
    found = read("a.json", b"[\n" + b",\n".join(lines) + b"\n]")
    assert (len(found.rows), [bad.place for bad in found.bad]) == (199_998, [8, 90_001])


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_cut_off_array(read: Reading, chunk: int) -> None:
    content = b'[{"id": 1}, {"id": 2}, {"id": 3}]'
    for cut, whole in ((len(content) - 1, 2), (len(content) - 2, 2), (15, 1), (11, 1), (1, 0)):
        found = read("a.json", content[:cut], chunk=chunk)
        assert [row["id"] for row in found.rows] == [1, 2, 3][:whole]
        assert found.bad == []
        assert found.error == f"a.json: the array breaks off after record {whole} (byte {cut} of the file)"


@pytest.mark.parametrize("chunk", CHUNKS)
def test_text_behind_an_array_is_a_break(read: Reading, chunk: int) -> None:
    found = read("a.json", b'[{"id": 1}] \n []', chunk=chunk)
    assert found.rows == [{"id": 1}]
    assert found.error is not None
    assert "followed by something else after record 1" in found.error
    assert read("a.json", b"[ ] \n\n", chunk=chunk).error is None


def test_an_array_in_a_truncated_archive(read: Reading) -> None:
    content = json.dumps([{"id": at, "source": f"{at * 7919:x}"} for at in range(5000)]).encode()
    packed = gzip.compress(content)
    found = read("a.json.gz", packed[: len(packed) // 2])
    assert len(found.rows) > 1000
    assert found.error is not None
    assert f"the archive breaks off after record {len(found.rows)}" in found.error


# Parquet


def parquet(table: pa.Table, **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def test_parquet_values(read: Reading) -> None:
    moment = dt.datetime.fromisoformat("2024-03-05T10:30:00.123456")
    nanoseconds = int(moment.replace(tzinfo=dt.UTC).timestamp()) * 10**9 + 123456789
    table = pa.table(
        {
            "naive": pa.array([moment, None], pa.timestamp("us")),
            "zoned": pa.array([moment, None], pa.timestamp("ms", "America/New_York")),
            "odd zone": pa.array([0, None], pa.timestamp("s", "Nowhere/Land")),
            "nano": pa.array([nanoseconds, None], pa.timestamp("ns", "UTC")),
            "time": pa.array([1, None], pa.time64("ns")),
            "lasts": pa.array([1500, None], pa.duration("ns")),
            "day": pa.array([dt.date(2024, 3, 5), None]),
            "word": pa.array(["completed", None]).dictionary_encode(),
            "big word": pa.array(["completed", None], pa.large_string()),
            "float": pa.array([float("nan"), 1.5]),
            "whole": pa.array([1, None], pa.int64()),
            "truth": pa.array([True, None]),
            "list": pa.array([["a"], None]),
        }
    )
    found = read("a.parquet", parquet(table))
    first, second = found.rows
    assert first == {
        "naive": moment,
        "zoned": moment.replace(microsecond=123000, tzinfo=dt.UTC),
        "odd zone": dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
        "nano": moment.replace(tzinfo=dt.UTC),
        "time": dt.time(0),
        "lasts": dt.timedelta(microseconds=1),
        "day": dt.date(2024, 3, 5),
        "word": "completed",
        "big word": "completed",
        "float": None,
        "whole": 1,
        "truth": True,
        "list": ["a"],
    }
    assert {name: value for name, value in second.items() if value is not None} == {"float": 1.5}
    naive, zoned = first["naive"], first["zoned"]
    assert isinstance(naive, dt.datetime)
    assert naive.tzinfo is None
    assert isinstance(zoned, dt.datetime)
    assert zoned.astimezone(ZoneInfo("America/New_York")).hour == 5
    assert (found.reader.unit, found.places, found.numbers) == ("row", [1, 2], [1, 2])
    assert found.reader.columns == tuple(table.column_names)


def test_parquet_in_groups_packed_and_with_repeated_names(read: Reading) -> None:
    column = pa.array([str(at % 7) for at in range(50_000)])
    content = parquet(pa.Table.from_arrays([column, column], ["id", "id"]), row_group_size=30_000)
    for name, stored in (
        ("a.parquet", content),
        ("a", content),
        ("a.parquet.gz", gzip.compress(content)),
        ("a.parquet.zst", zstd.compress(content)),
    ):
        found = read(name, stored)
        assert (found.reader.format, found.reader.columns) == ("parquet", ("id", "id (2)"))
        assert found.rows[-1] == {"id": "5", "id (2)": "5"}
        assert found.places == found.numbers == list(range(1, 50_001))
        assert found.reader.size == found.reader.position == len(stored)


def test_parquet_text_that_stops_being_repetitive(read: Reading) -> None:
    words = ["same"] * 5000 + [f"{at:0100}" for at in range(30_000)] + [None]
    found = read("a.parquet", parquet(pa.table({"id": words}), dictionary_pagesize_limit=10_000))
    assert [row["id"] for row in found.rows] == words


def test_parquet_rows_whose_values_python_cannot_hold(read: Reading) -> None:
    broken = pa.StringArray.from_buffers(2, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff"))
    table = pa.table({"at": pa.array([2**62, 0], pa.timestamp("us")), "text": broken, "n": pa.array([1, 2])})
    found = read("a.parquet", parquet(pa.concat_tables([table, table.slice(0, 0)])))
    assert found.rows == []
    assert [bad.place for bad in found.bad] == [1, 2]
    assert "'at'" in found.bad[0].reason
    assert "'text'" in found.bad[1].reason
    assert "'n': 2" in found.bad[1].text


def test_corrupt_parquet(read: Reading, tmp_path: Path) -> None:
    table = pa.table({"id": pa.array([random.Random(at).random() for at in range(40_000)])})
    content = parquet(table, row_group_size=10_000, write_page_checksum=True)
    damaged = bytearray(content)
    for at in range(len(content) * 5 // 8, len(content) * 5 // 8 + 500):
        damaged[at] ^= 0xFF
    found = read("a.parquet", bytes(damaged))
    assert len(found.rows) == 20_000
    assert found.error is not None
    assert "damaged after row 20000 (of 40000)" in found.error
    for name, stored in (
        ("cut.parquet", content[:-100]),
        ("text.parquet", b"id,source\n"),
        ("magic.parquet", b"PAR1"),
        ("packed.parquet.gz", gzip.compress(content)[:-100]),
        ("packed.parquet.gz", gzip.compress(content[:-100])),
    ):
        path = tmp_path / name
        path.write_bytes(stored)
        assert name in refusal(path)


# Whatever is written is read


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
chunks = st.sampled_from((1, 2, 3, 5, 17, 4096))
names = st.lists(st.sampled_from(("id", "started_at", "source", "status")), min_size=2, max_size=4, unique=True)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    header = draw(names)
    row = st.lists(
        text | st.sampled_from(['"', "'", "\n", "\r\n", "\r", ",;", '""\n']), min_size=len(header), max_size=len(header)
    )
    return header, draw(st.lists(row, max_size=8))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=tables(),
    delimiter=st.sampled_from(",;\t|"),
    quote=st.sampled_from("\"'"),
    quoting=st.sampled_from((csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC)),
    end=st.sampled_from(("\n", "\r\n", "\r")),
    encoding=st.sampled_from(("utf-8", "utf-8-sig", "utf-16")),
    chunk=chunks,
)
def test_any_table_is_read_as_it_was_written(
    tmp_path: Path,
    table: tuple[list[str], list[list[str]]],
    delimiter: str,
    quote: str,
    quoting: Any,
    end: str,
    encoding: str,
    chunk: int,
) -> None:
    header, rows = table
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, quotechar=quote, quoting=quoting, lineterminator=end)
    writer.writerow(header)
    if quoting == csv.QUOTE_MINIMAL:
        # The writer leaves a line end unquoted that is not its own, and no header tells which quote it uses.
        unclear = "\r\n\"'" if quote == "'" else "\r\n'"
        rows = [[cell.translate(dict.fromkeys(map(ord, unclear))) for cell in row] for row in rows]
    writer.writerows(rows)
    path = tmp_path / "a.csv"
    path.write_bytes(written.getvalue().encode(encoding))
    found = read_file(path, chunk=chunk)
    assert found.error is None
    assert found.bad == []
    assert found.reader.columns == tuple(header)
    assert [list(row) for row in found.values] == rows
    assert found.numbers == list(range(1, len(rows) + 1))


json_value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.dictionaries(text, json_value, max_size=5), max_size=8),
    indent=st.sampled_from((None, 0, 2)),
    ascii_only=st.booleans(),
    chunk=chunks,
)
def test_any_objects_are_read_as_they_were_written(
    tmp_path: Path, rows: list[dict[str, Any]], indent: int | None, ascii_only: bool, chunk: int
) -> None:
    rows = [orjson.loads(json.dumps(row)) for row in rows]
    lines, array = tmp_path / "a.ndjson", tmp_path / "a.json"
    lines.write_text("".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows), "utf-8")
    array.write_text(json.dumps(rows, ensure_ascii=ascii_only, indent=indent), "utf-8")
    for path in (lines, array):
        found = read_file(path, chunk=chunk)
        assert (found.error, found.bad) == (None, [])
        assert found.rows == rows
        assert found.numbers == list(range(1, len(rows) + 1))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(("a.csv", "a.ndjson", "a.json", "a", "a.csv.gz", "a.parquet")),
    content=st.binary(max_size=200) | st.text(st.sampled_from("\",;\n\r[]{}:a1\\ '"), max_size=60).map(str.encode),
    pack=st.sampled_from((*PACKERS.values(), lambda content: content, lambda content: b"\x28\xb5\x2f\xfd" + content)),
    chunk=chunks,
)
def test_no_bytes_whatever_break_the_reading(
    tmp_path: Path, name: str, content: bytes, pack: Callable[[bytes], bytes], chunk: int
) -> None:
    path = tmp_path / name
    path.write_bytes(pack(content))
    with contextlib.suppress(UnreadableFile):
        read_file(path, chunk=chunk)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    frames=st.lists(st.lists(st.binary(max_size=40) | st.binary(max_size=3).map(lambda some: some * 90_000))),
    kept=st.floats(0, 1),
    chunk=chunks,
)
def test_any_part_of_an_archive_gives_all_that_is_whole_in_it(
    frames: list[list[bytes]], kept: float, chunk: int
) -> None:
    pieces = [pair for frame in frames for pair in zip(in_blocks(frame), [*frame, b""], strict=True)]
    packed = b"".join(piece for piece, _ in pieces)
    cut = packed[: round(kept * len(packed))]
    assume(not cut or len(cut) >= 4)
    source = Source(io.BytesIO(cut), "calls", len(cut), chunk)
    found = b"".join(source.chunks())
    content = b"".join(content for _, content in pieces)
    assert content.startswith(found)
    ends = list(itertools.accumulate(len(piece) for piece, _ in pieces))
    whole = b"".join(content for end, (_, content) in zip(ends, pieces, strict=True) if end <= len(cut))
    assert found.startswith(whole)
    if cut == packed:
        assert (found, source.broken) == (content, None)


# Shortcuts: what Arrow reads all at once is what is read line by line, or value by value


PLAIN_CELLS = ("", "a", "é", " b ", "1", "NULL", "\x00", "\ufeff", "\\", "\x1c", "\u2028", ",", ";", "\n", "\r")
QUOTED_CELLS = ('"x"', '"y,z"', '"say ""hi"""', '""', '"', '"open', 'x"', '5" pipe', '"a" b', '"a"b"c"', '"\n"', '"",')
cells = st.sampled_from((*PLAIN_CELLS, *QUOTED_CELLS, "'x'", "'", "it's"))


@settings(max_examples=500, deadline=None)
@given(
    rows=st.lists(st.lists(cells, min_size=1, max_size=3) | st.lists(cells, min_size=2, max_size=2), max_size=5),
    delimiter=st.sampled_from(",;\t"),
    quote=st.sampled_from("\"'"),
    end=st.sampled_from(("\n", "\r\n", "\r")),
    last=st.booleans(),
    encoding=st.sampled_from(("utf-8", "cp1252")),
)
def test_a_block_is_read_as_each_of_its_lines(
    rows: list[list[str]], delimiter: str, quote: str, end: str, last: bool, encoding: str
) -> None:
    text = end.join(delimiter.join(row) for row in rows) + end * last
    data = text.encode(encoding, "replace")
    layout = Layout(delimiter, quote, ("id", "source"), 0)
    lines = data.splitlines(keepends=True)
    block = BlockReader(encoding, layout).read(Lines(1, lines, data))
    if block is None or not lines:
        return
    one_by_one = LineRows(encoding, layout)
    one_by_one._take_lines(lines)
    one_by_one.finish()
    (batch,) = one_by_one.gathered.rest()
    assert [plain(column) for column in batch.columns.values()] == [column.to_pylist() for column in block]
    assert batch.places == list(range(1, len(lines) + 1))
    assert batch.bad == []


def test_usual_lines_are_read_as_a_block() -> None:
    """Or the test above would compare nothing."""
    for quote in ("", '"'):
        data = f"1,{quote}x{quote}\r\n2,{quote}é{quote}\r\n".encode()
        layout = Layout(",", '"', ("id", "source"), 0)
        block = BlockReader("utf-8", layout).read(Lines(1, data.splitlines(keepends=True), data))
        assert [column.to_pylist() for column in block or ()] == [["1", "2"], ["x", "é"]]


PARQUET_COLUMNS = (
    (pa.string(), ("a", "é", "", "x" * 40)),
    (pa.large_string(), ("a", "")),
    (pa.string_view(), ("a", "a text of more than twelve bytes")),
    (pa.binary(), (b"a", b"\xff")),
    (pa.bool_(), (True, False)),
    (pa.int8(), (1, -128)),
    (pa.int64(), (2**63 - 1, -(2**63))),
    (pa.uint64(), (1, 2**63 - 1)),
    (pa.uint64(), (1, 2**63)),
    (pa.float32(), (0.1, float("nan"), float("inf"))),
    (pa.float64(), (12.0, -0.0, float("nan"))),
    (pa.decimal128(9, 2), (Decimal("1.50"), Decimal(2))),
    (pa.date32(), (dt.date(2024, 3, 5),)),
    (pa.time64("ns"), (1001,)),
    (pa.duration("s"), (5,)),
    (pa.null(), ()),
    (pa.list_(pa.int64()), ([1, None], [])),
    (pa.dictionary(pa.int32(), pa.string()), ("a", "b", "a")),
    (pa.dictionary(pa.int8(), pa.int64()), (1, 2)),
    *(
        (pa.timestamp(unit, zone), (0, -1, 1_700_000_000_123_456_789 // scale, -70_000_000_000 * 10**9 // scale))
        for unit, scale in (("s", 10**9), ("ms", 10**6), ("us", 1000))
        for zone in (None, "UTC", "America/New_York", "+05:30")
    ),
    (pa.timestamp("ns", "UTC"), (1_700_000_000_123_456_789, -1)),
    (pa.timestamp("us"), (253_402_300_799_999_999, 253_402_300_800_000_000)),
    (pa.timestamp("us"), (-62_135_596_800_000_000, -62_135_596_800_000_001)),
)


@given(data=st.data(), kind=st.sampled_from(PARQUET_COLUMNS))
def test_a_parquet_column_that_stays_as_it_is_has_the_values_of_python(
    data: st.DataObject, kind: tuple[pa.DataType, tuple[object, ...]]
) -> None:
    values = data.draw(st.lists(st.none() | st.sampled_from(kind[1]) if kind[1] else st.none(), max_size=4))
    column = pa.array(values, kind[0])
    faults: dict[int, str] = {}
    expected = _values(column, "x", faults)
    kept = _kept(column)
    assert kept is None or faults == {}
    assert kept is None or (plain(kept), list(map(type, plain(kept)))) == (expected, list(map(type, expected)))


def test_decimals_of_parquet_are_whole_numbers_by_their_type_or_digits(read: Reading) -> None:
    most = Decimal(10**37)
    table = pa.table(
        {
            "duration_seconds": pa.array([Decimal(12), None, Decimal(0)], pa.decimal128(38, 0)),
            "value_cents": pa.array([Decimal("5.00"), Decimal("-1.50"), None], pa.decimal128(9, 2)),
            "source": pa.array([Decimal(1), None, most], pa.decimal128(38, 0)),
        }
    )
    found = read("a.parquet", parquet(table))
    assert [tuple(row.values()) for row in found.rows] == [
        (12, "5.00", "1"),
        (None, "-1.50", None),
        (0, None, str(most)),
    ]


def test_usual_parquet_columns_stay_as_they_are() -> None:
    """Or the test above would compare nothing."""
    usual = (pa.string(), pa.large_string(), pa.bool_(), pa.int32(), pa.float64(), pa.timestamp("ms", "UTC"))
    assert [kind for kind in usual if _kept(pa.nulls(1, kind)) is None] == []


json_cells = st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats(allow_nan=False) | text
column_values = st.lists(
    st.one_of(
        *(st.lists(st.none() | kind, max_size=3) for kind in (st.booleans(), st.integers(-9, 9), text, json_cells))
    )
)


@given(pieces=column_values)
def test_a_column_has_the_values_that_were_put_in(pieces: list[list[object]]) -> None:
    found = plain(joined([column_of(piece) for piece in pieces]))
    expected = [value for piece in pieces for value in piece]
    assert (found, list(map(type, found))) == (expected, list(map(type, expected)))
