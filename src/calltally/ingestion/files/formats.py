"""Which format a file has, by what it begins with and by its name."""

import re
from pathlib import PurePath

from calltally.errors import UnreadableFile
from calltally.ingestion.files.archives import ARCHIVES, archive_of, name_unpacked
from calltally.ingestion.files.rows import Format

__all__ = ["format_of"]

PARQUET_MAGIC = b"PAR1"

# .txt says no more than that it is text, so its content decides.
EXTENSIONS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".parquet": "parquet",
}

FOREIGN = {
    b"PK\x03\x04": "a zip archive or an Excel workbook; unpack it, or save it as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as CSV",
    b"\xfd7zXZ": "an xz archive; unpack it, or pack it with gzip",
    b"BZh": "a bzip2 archive; unpack it, or pack it with gzip",
    b"7z\xbc\xaf": "a 7z archive; unpack it, or pack it with gzip",
    b"%PDF-": "a PDF document; export the calls as CSV",
    b"PARE": "an encrypted Parquet file; decrypt it",
}

CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
SEEN = 4096  # bytes that are looked at to tell text from anything else
BLANKS = b" \t\r\n"


def format_of(name: str, head: bytes) -> Format:
    """The format of the file called `name` whose content begins with `head`."""
    if head.startswith(PARQUET_MAGIC):
        return "parquet"
    for magic, what in FOREIGN.items():
        if head.startswith(magic):
            raise UnreadableFile(f"{name}: this is {what}")
    if inner := archive_of(head):
        raise UnreadableFile(f"{name}: this is a {inner.name} archive in an archive; unpack it once")
    extension = PurePath(name_unpacked(name)).suffix
    begins = head.lstrip(BLANKS)[:1]
    if head.lstrip(BLANKS).split(b"\n", 1)[0].strip() == b"{":
        raise UnreadableFile(f"{name}: this has JSON objects over several lines; write one a line, or an array of them")
    by_name = EXTENSIONS.get(extension)
    if by_name is None:
        _require_text(name, head[:SEEN])
        return {b"[": "json", b"{": "ndjson"}.get(begins, "csv")  # type: ignore[return-value]
    return "json" if extension == ".json" and begins == b"[" else by_name


def _require_text(name: str, start: bytes) -> None:
    """Raise if more than one byte in twenty is a control character, as of a picture or a program."""
    if len(CONTROL.findall(start)) * 20 > len(start):
        packed = " or ".join(archive.name for archive in ARCHIVES)
        raise UnreadableFile(
            f"{name}: this is none of CSV, NDJSON, a JSON array and Parquet, packed with {packed} or not"
        )
