"""Where the files of a plain tar archive lie: one pass over its headers, which reads no content.

Sources: POSIX.1-2017, "pax Interchange Format" and "ustar Interchange Format"; for long names and large sizes also the
GNU tar manual, "Basic Tar Format". An archive is a row of blocks of 512 bytes: a header, then the content, padded;
two empty blocks end it. Python's tarfile takes a damaged header for the end, and so gives fewer files without a word;
here whatever is not whole is an error.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn

from striate.errors import DataError, printable

_BLOCK = 512
_EMPTY = bytes(_BLOCK)
_LONGEST_NOTE = 1 << 20  # bytes; a name is no longer
_NOTES = (b"x", b"L")  # records on the member after them: the standard's, and GNU's for a long name
_ASIDE = (b"g", b"K")  # notes on the whole archive, and names that links point to
_NOTE = re.compile(rb"(\d{1,7}) ([^=]+)=")  # how the line of a record begins
_SIZE = re.compile(rb"\d{1,18}")
_FILES = (b"0", b"\0", b"7")  # regular, regular as of 1979, contiguous
_NO_FILES = (b"5", b"V")  # folders, and the volume's label
_ODD = {b"1": "a hard link", b"2": "a symbolic link", b"S": "a sparse file"}
_PACKED = {  # the first bytes, who packs so, and what unpacks it
    b"\x1f\x8b": ("gzip", "gzip -dc"),
    b"BZh": ("bzip2", "bzip2 -dc"),
    b"\xfd7zXZ": ("xz", "xz -dc"),
    b"\x28\xb5\x2f\xfd": ("zstd", "zstd -dc"),
}
PACKED_ENDINGS = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst")


class Member(NamedTuple):
    """A file inside the archive: its name, and where its content begins and how long it is, in bytes."""

    name: str
    offset: int
    size: int


class _Header(NamedTuple):
    kind: bytes  # one character
    name: bytes
    size: int  # bytes of content


def members(file: BinaryIO, path: Path) -> Iterator[Member]:
    """The files of the archive that is open as `file`; it may be read and moved in between.

    Raises DataError, with `path` in the sentence, for an archive that is compressed, cut short or damaged, or that
    holds a link or a sparse file.
    """
    whole = file.seek(0, os.SEEK_END)
    _expect_plain(_read(file, 0, _BLOCK), path)
    place, notes = 0, dict[str, bytes]()
    while (block := _read(file, place, _BLOCK)) != _EMPTY:
        header = _header(block, place, path)
        offset = place + _BLOCK
        size = header.size if header.kind in _NOTES else int(notes.get("size", header.size))
        place = offset + -(-size // _BLOCK) * _BLOCK
        if header.kind in _NOTES:
            notes |= _notes(header.kind, _read(file, offset, min(size, _LONGEST_NOTE)), path)
        elif header.kind not in _ASIDE:
            name = os.fsdecode(notes.get("path", header.name))
            # in archives as of 1979 a folder is an empty file of such a name
            if header.kind not in _NO_FILES and not name.endswith("/"):
                _expect_file(header.kind, name, notes, path)
                if offset + size > whole:
                    _refuse(path, f"is cut short: it ends within {name}; copy or write it again")
                yield Member(name.removeprefix("./"), offset, size)
            notes = {}
    _expect_end(file, place, path)


def _expect_plain(first: bytes, path: Path) -> None:
    for magic, (packer, command) in _PACKED.items():
        if first.startswith(magic):
            stem = next((path.name.removesuffix(end) for end in PACKED_ENDINGS if path.name.endswith(end)), "unpacked")
            _refuse(
                path,
                f"is compressed with {packer}, so that no image can be reached without all before it; unpack it with "
                f"`{command} {path.name} > {stem}.tar`",
            )


def _expect_file(kind: bytes, name: str, notes: dict[str, bytes], path: Path) -> None:
    sparse = any(note.startswith("GNU.sparse") for note in notes)
    if kind not in _FILES or sparse:
        what = "a sparse file" if sparse else _ODD.get(kind, "no regular file")
        _refuse(path, f"holds {name}, which is {what}; pack it with `tar --dereference --hard-dereference -cf`")


def _header(block: bytes, place: int, path: Path) -> _Header:
    """What a header says, if the sum of its bytes is what it says."""
    if len(block) < _BLOCK:
        _refuse(path, "is cut short: it lacks the two empty blocks that end an archive; copy or write it again")
    try:
        if sum(block) - sum(block[148:156]) + 8 * ord(" ") == _number(block[148:156]):
            return _Header(block[156:157], _name(block), _number(block[124:136]))
    except ValueError:  # what should be a number is none
        pass
    if place == 0:
        _refuse(path, "is not a tar archive; expected one as `tar -cf` writes it")
    _refuse(path, f"is damaged: at byte {place:,} stands no header of a file; copy or write it again")


def _number(field: bytes) -> int:
    """Octal digits; or, as GNU tar writes what is too large for them, a bit and then the number itself."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0") or b"0"
    if not digits.isdigit():
        raise ValueError(digits)
    return int(digits, 8)


def _name(block: bytes) -> bytes:
    name, prefix = block[:100].partition(b"\0")[0], block[345:500].partition(b"\0")[0]
    return prefix + b"/" + name if prefix and block[257:263] == b"ustar\0" else name


def _notes(kind: bytes, content: bytes, path: Path) -> dict[str, bytes]:
    """What a record says: GNU's is a name, the standard's has lines `length key=value`."""
    if kind == b"L":
        return {"path": content.rstrip(b"\0")}
    notes = {}
    while content:
        begin = _NOTE.match(content)
        length = int(begin[1]) if begin else 0
        value = content[begin.end() : length - 1] if begin else b""
        wrong_size = begin is not None and begin[2] == b"size" and not _SIZE.fullmatch(value)
        if begin is None or content[length - 1 : length] != b"\n" or wrong_size:
            _refuse(path, "is damaged: a record of long names cannot be read; copy or write it again")
        notes[begin[2].decode(errors="replace")] = value
        content = content[length:]
    return notes


def _expect_end(file: BinaryIO, place: int, path: Path) -> None:
    """Nothing may come after the end: a second archive that was joined on would never be seen."""
    file.seek(place)
    while rest := file.read(1 << 20):
        if rest.count(0) < len(rest):
            _refuse(path, "goes on after its end, as if archives were joined with cat; join them with `tar -Af`")


def _read(file: BinaryIO, place: int, size: int) -> bytes:
    file.seek(place)
    return file.read(size)


def _refuse(path: Path, what: str) -> NoReturn:
    raise DataError(printable(f"{path} {what}"))
