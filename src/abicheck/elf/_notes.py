"""Notes: the ABI tag, the build id; and `.comment`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct

from abicheck.elf._budget import Budget, Quota
from abicheck.model import Segment

_PT_NOTE = 4
_NT_ABI_TAG = 1
_NT_BUILD_ID = 3
_MAX_COMMENT = 4096
_SHT_SYMTAB = 2


def _iter_notes(
    data: memoryview, segment: Segment, order: str
) -> Iterator[tuple[int, bytes, memoryview]]:
    """Yield type, name and descriptor of each note of one PT_NOTE segment."""
    header = Struct(order + "III")
    align = 8 if segment.align == 8 else 4
    here, end = segment.offset, min(segment.offset + segment.filesz, len(data))
    while here + header.size <= end:
        namesz, descsz, kind = header.unpack(data[here : here + header.size])
        desc = here + (header.size + namesz + align - 1) // align * align
        after = desc + (descsz + align - 1) // align * align
        if desc + descsz > end:
            return
        yield (
            kind,
            bytes(data[here + header.size : here + header.size + namesz]),
            data[desc : desc + descsz],
        )
        here = after


def read_notes(
    data: memoryview, segments: Sequence[Segment], order: str, most: int
) -> tuple[tuple[int, tuple[int, int, int]] | None, str | None]:
    """Return the ABI tag's (OS, kernel) and the build id, as they are in the file.

    Raises `TooMuchError` where there are more than `most` notes.
    """
    kernel: tuple[int, tuple[int, int, int]] | None = None
    build_id: str | None = None
    budget, quota = Budget(len(data), "its notes"), Quota(most, "notes")
    for segment in segments:
        if segment.type != _PT_NOTE:
            continue
        budget.spend(max(0, min(segment.filesz, len(data) - segment.offset)))
        for kind, name, desc in _iter_notes(data, segment, order):
            quota.take()
            if name != b"GNU\0":
                continue
            if kind == _NT_ABI_TAG and len(desc) == 16 and kernel is None:
                system, major, minor, patch = Struct(order + "4I").unpack(desc)
                kernel = (system, (major & 0xFF, minor & 0xFF, patch & 0xFF))
            elif kind == _NT_BUILD_ID and build_id is None:
                build_id = bytes(desc).hex()
    return kernel, build_id


def _sections(data: memoryview, order: str, *, wide: bool) -> tuple[list[tuple[int, ...]], int]:
    """Return the section headers, none where they cannot be had, and which one has their names.

    Section headers are for people here; no verdict on a load rests on them.
    """
    layout = Struct(order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII"))
    fields = Struct(order + ("QI6H" if wide else "II6H"))
    row = fields.unpack(data[40 : 40 + fields.size] if wide else data[32 : 32 + fields.size])
    offset, entsize, count, names_at = row[0], row[5], row[6], row[7]
    if not offset or entsize != layout.size or offset + count * entsize > len(data):
        return [], 0
    return list(layout.iter_unpack(data[offset : offset + count * entsize])), names_at


def is_stripped(data: memoryview, order: str, *, wide: bool) -> bool:
    """Whether there is no symbol table but the dynamic one, as strip(1) leaves it."""
    rows, _ = _sections(data, order, wide=wide)
    return all(row[1] != _SHT_SYMTAB for row in rows)


def read_comment(data: memoryview, order: str, *, wide: bool) -> tuple[str, ...]:
    """Return the compilers that `.comment` names, or nothing where sections do not tell."""
    rows, names_at = _sections(data, order, wide=wide)
    if names_at >= len(rows):
        return ()
    names = bytes(data[rows[names_at][4] : rows[names_at][4] + rows[names_at][5]])
    for section in rows:
        if names[section[0] : section[0] + 9] == b".comment\0":
            text = bytes(data[section[4] : section[4] + min(section[5], _MAX_COMMENT)])
            parts = (part.decode("utf-8", "replace").strip() for part in text.split(b"\0"))
            return tuple(dict.fromkeys(part for part in parts if part))
    return ()
