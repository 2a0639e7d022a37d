"""Where the central directory of a ZIP archive lies, and who would look for it elsewhere.

Every reader begins at the end of the file (APPNOTE 4.3.16), and there they part:
one takes the last end record, another the one whose comment ends with the file;
one believes the ZIP64 record always, another only where a field is full; one
adds what stands before the archive to every offset, another does not.  What is
returned is what CPython's `zipfile` would find, and every reason for others to
find something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

from abicheck.model import Irregular

Fault = tuple[Irregular, str]

_END: Final = Struct("<4s4H2IH")
_LOCATOR: Final = Struct("<4sIQI")
_END_64: Final = Struct("<4sQ2H2I4Q")
_MAGIC: Final = b"PK\5\6"
_MAX_COMMENT: Final = 0xFFFF
_FULL: Final = (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
_FIELDS: Final = (
    "the number of its part",
    "the part the directory begins in",
    "how many members this part has",
    "how many members there are",
    "how long the directory is",
    "where the directory begins",
)


class DirectoryError(Exception):
    """There is no central directory, or it is not where it should be."""


@dataclass(frozen=True, slots=True)
class End:
    """What the end record, and that of ZIP64, say; places are bytes from the start of the file.

    The directory lies from `start` to `end` and is said to have `entries`
    members, a number that goes up to `most`.  `shift` bytes stand before the
    archive, which ends at `close`.  `faults` are reasons to read it otherwise.
    """

    start: int
    end: int
    shift: int
    entries: int
    most: int
    close: int
    faults: tuple[Fault, ...]


def find_end(view: memoryview) -> End:
    """Return where the directory is.

    It ends where its end record begins; so it is found in an archive that other
    bytes were put in front of.  Raises `DirectoryError` where there is none.
    """
    tail = max(0, len(view) - _MAX_COMMENT - _END.size)
    text = bytes(view[tail:])
    found = text.rfind(_MAGIC, 0, max(0, len(text) - _END.size) + len(_MAGIC))
    if found < 0 or len(text) < _END.size:
        reason = "there is no end record, so it was cut off"
        raise DirectoryError(reason)
    here = tail + found
    _, *stated, comment = _END.unpack_from(view, here)
    faults: list[Fault] = []
    close = here + _END.size + comment
    if close > len(view):
        detail = f"its comment of {comment:,} bytes is cut off"
        faults.append((Irregular.TRUNCATED, detail))
    end, values, most = here, tuple(stated), 0xFFFF
    record = _find_64(view, here - _LOCATOR.size, faults)
    if record is not None:
        end, most = record, 0xFFFFFFFFFFFFFFFF
        values = tuple(_believed(view, record, tuple(stated), faults))
    part, first, count, entries, size, offset = values
    start = end - size
    if start < 0:
        reason = "the central directory is longer than the file"
        raise DirectoryError(reason)
    if part or first or count != entries:
        detail = (
            f"it is said to be part {part + 1} of several, and to hold {count:,} of {entries:,}"
        )
        faults.append((Irregular.DISAGREEMENT, f"{detail} members"))
    shift = start - offset
    faults += _elsewhere(view, text, tail, here, start, offset)
    if record is not None:
        faults += _other_record(view, here - _LOCATOR.size, record, shift)
    return End(start, end, shift, entries, most, min(close, len(view)), tuple(faults))


def _elsewhere(  # noqa: PLR0913, PLR0917 - the tail of a file, and what was found in it
    view: memoryview, text: bytes, tail: int, here: int, start: int, offset: int
) -> Iterator[Fault]:
    """Yield why a reader may take another directory than the one that begins at `start`."""
    place = text.find(_MAGIC)
    while 0 <= place < here - tail:
        other = tail + place
        # In the content of a member it is a ZIP in a ZIP, unless it goes on to the end.
        (comment,) = _END.unpack_from(view, other)[-1:]
        if other >= start or other + _END.size + comment == len(view):
            detail = f"it has two end records, at bytes {other:,} and {here:,}"
            yield Irregular.DISAGREEMENT, detail
            break
        place = text.find(_MAGIC, place + 1)
    if offset > start:
        detail = f"its directory is said to begin at byte {offset:,}, and begins at {start:,}"
        yield Irregular.DISAGREEMENT, detail
    elif offset < start and bytes(view[offset : offset + 4]) == b"PK\1\2":
        detail = f"it has two directories, at bytes {offset:,} and {start:,}"
        yield Irregular.DISAGREEMENT, detail


def _find_64(view: memoryview, locator: int, faults: list[Fault]) -> int | None:
    """Return where the ZIP64 end record begins, or None where no locator tells of one."""
    if locator < 0 or bytes(view[locator : locator + 4]) != b"PK\6\7":
        return None
    _, part, where, parts = _LOCATOR.unpack_from(view, locator)
    if part or parts > 1:
        detail = f"its ZIP64 end record is said to lie in part {part + 1} of {parts:,}"
        faults.append((Irregular.DISAGREEMENT, detail))
    for place in (locator - _END_64.size, where):  # right before it, or where it says
        if 0 <= place <= locator - _END_64.size and bytes(view[place : place + 4]) == b"PK\6\6":
            return place
    detail = "a ZIP64 locator leads to no end record"
    faults.append((Irregular.DISAGREEMENT, detail))
    return None


def _believed(
    view: memoryview, record: int, stated: tuple[int, ...], faults: list[Fault]
) -> Iterator[int]:
    """Yield the six numbers of the end record, from the ZIP64 one where they are full."""
    fields = _END_64.unpack_from(view, record)
    for what, full, short, long in zip(_FIELDS, _FULL, stated, fields[4:], strict=True):
        yield long if short == full else short
        if short not in (full, long):
            detail = f"its two end records differ in {what}: {short:,} and {long:,}"
            faults.append((Irregular.DISAGREEMENT, detail))


def _other_record(view: memoryview, locator: int, record: int, shift: int) -> Iterator[Fault]:
    """Yield why a reader may take another ZIP64 end record, or bytes behind it for something."""
    (_, length, *_), (_, _, where, _) = (
        _END_64.unpack_from(view, record),
        _LOCATOR.unpack_from(view, locator),
    )
    if record + 12 + length != locator:
        detail = f"its ZIP64 end record is said to be {length:,} bytes long, and is not"
        yield Irregular.DISAGREEMENT, detail
    if where + shift != record:
        detail = f"its ZIP64 end record is said to begin at byte {where:,}, and does not"
        yield Irregular.DISAGREEMENT, detail
