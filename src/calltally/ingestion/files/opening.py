"""Opening: from a path, or any stream, to the reader of its format."""

import os
import stat
import tempfile
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from calltally.errors import UnreadableFile
from calltally.ingestion.files.content import Content, read_content
from calltally.ingestion.files.delimited import read_delimited
from calltally.ingestion.files.formats import format_of
from calltally.ingestion.files.json_array import read_json_array
from calltally.ingestion.files.json_lines import read_json_lines
from calltally.ingestion.files.layout import Unnamed, find_layout
from calltally.ingestion.files.rows import RowReader
from calltally.ingestion.files.source import CHUNK, Source

__all__ = ["open_rows"]


def open_rows(
    path: Path,
    *,
    known: Collection[str],
    unnamed: Unnamed = lambda _: None,
    stream: BinaryIO | None = None,
    _chunk: int = CHUNK,
) -> RowReader:
    """A reader of the file's rows; `known` are column names that tell the right layout of a CSV from a wrong one.

    `unnamed` gives the columns of a CSV without a header, from its first rows. A stream that is given is read in place
    of the file, which only lends its name.
    """
    opened = stream or _opened(path)
    with ExitStack() as failing:
        failing.callback(opened.close)
        size = None if stream else _size(opened)
        reader = _reader(opened, Source(opened, path.name, size, _chunk), known, unnamed)
        failing.pop_all()
    return reader


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise UnreadableFile(f"{path}: there is no such file") from error
    except IsADirectoryError as error:
        raise UnreadableFile(f"{path}: this is a folder; name a file in it") from error
    except PermissionError as error:
        raise UnreadableFile(f"{path}: the file may not be read by this user") from error
    except OSError as error:
        raise UnreadableFile(f"{path}: the file cannot be opened ({error.strerror})") from error


def _size(file: BinaryIO) -> int | None:
    """The bytes of an opened file, None if it is a pipe or the like."""
    found = os.fstat(file.fileno())
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _reader(stream: BinaryIO, source: Source, known: Collection[str], unnamed: Unnamed) -> RowReader:
    content = read_content(source)
    kind = format_of(source.name, content.head)
    if kind == "parquet" and content.head:
        from calltally.ingestion.files.parquet import ParquetRows  # noqa: PLC0415 - 6 MB, of all who read none

        file = _seekable(stream, content)
        parquet = ParquetRows(file, source.name, source.size or os.fstat(file.fileno()).st_size)
        return RowReader(kind, parquet.columns, parquet, parquet.batches())
    if kind == "ndjson":
        return RowReader(kind, None, source, read_json_lines(content))
    if kind == "json":
        return RowReader(kind, None, source, read_json_array(content))
    layout = find_layout(content, known, unnamed)
    return RowReader(kind, layout.names, source, read_delimited(content, layout), content.encoding)


def _seekable(stream: BinaryIO, content: Content) -> BinaryIO:
    """The stream itself, or what is in it as a temporary file, since Parquet is read from its end."""
    if content.source.size is not None and not content.source.packed:
        stream.seek(0)
        return stream
    with ExitStack() as failing:
        file = failing.enter_context(tempfile.TemporaryFile())
        try:
            file.writelines(content.chunks)
            file.seek(0)
        except OSError as error:
            message = f"there is no room for it in {tempfile.gettempdir()} ({error.strerror})"
            raise UnreadableFile(f"{content.source.name}: {message}") from error
        content.source.check("before its last byte")
        failing.pop_all()
    stream.close()
    return file
