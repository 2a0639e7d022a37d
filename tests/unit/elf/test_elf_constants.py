"""The strings by which compiled code imports: what is kept of them, and unpacked."""

from __future__ import annotations

import zlib

from tests.elfbuilder import Elf, reference

from abicheck.elf import unpack_constants


def test_the_read_only_data_of_what_can_import_is_kept() -> None:
    importing = Elf(symbols=(reference("PyImport_ImportModule"),), constants=b"\0_tkinter\0")

    assert importing.facts().constants == b"\0_tkinter\0"


def test_the_read_only_data_of_what_cannot_import_is_not() -> None:
    assert Elf(symbols=(reference("PyList_New"),), constants=b"_tkinter").facts().constants == b""


def test_large_tables_are_not_kept() -> None:
    large = Elf(symbols=(reference("PyImport_ImportModule"),), constants=bytes(1 << 20))

    assert large.facts().constants == b""


def test_a_deflated_string_table_is_unpacked() -> None:
    packed = zlib.compress(b"scipy.linalg._matfuncs_sqrtm")

    assert b"scipy.linalg._matfuncs_sqrtm" in unpack_constants(b"x\x9c no stream" + packed)


def test_data_without_a_deflated_part_is_left_as_it_is() -> None:
    data = b"x\xda is what a stream begins with"

    assert unpack_constants(data) == data


def test_streams_are_unpacked_to_a_megabyte_all_together() -> None:
    """A kilobyte may hold a megabyte, and a module of a quarter of one two hundred of these."""
    bomb = zlib.compress(bytes(1 << 20), 9)

    assert len(unpack_constants(bomb * 200)) <= len(bomb) * 200 + (1 << 20) + 2


def test_what_only_begins_like_a_stream_is_tried_a_thousand_times() -> None:
    """Each try may read up to the end."""
    data = b"x\x9c\0" * 1000 + zlib.compress(b"scipy.linalg")

    assert b"scipy.linalg" not in unpack_constants(data)
    assert b"scipy.linalg" in unpack_constants(data[3:])


def test_the_constants_of_what_cython_has_compiled_are_kept_up_to_four_megabytes() -> None:
    def kept(size: int) -> int:
        data = b"\0cython_runtime\0".ljust(size, b"\0")
        imports = (reference("PyImport_ImportModule"),)
        return len(Elf(symbols=imports, constants=data).facts().constants)

    assert kept(1 << 20) == 1 << 20
    assert kept((4 << 20) + 1) == 0


def test_a_part_of_what_mypyc_has_compiled_together_names_the_whole() -> None:
    """The names of its functions in the symbol table are others."""
    strings = b"\0p.mod\0" + b"85cae537__mypyc\0" + b"85cae537__mypyc.init_p___mod\0"
    part = Elf(
        symbols=(reference("PyImport_ImportModuleLevel"), reference("PyInit_85cae537__mypyc")),
        constants=strings,
    )

    assert part.facts().mentions == ("85cae537__mypyc",)


def packed(*parts: bytes | tuple[int, int]) -> bytes:
    """Return text in the format of `Cython/LZSS.py`.

    A part is a literal text, or the length of a repetition and how far it ends
    behind what is written.
    """
    steps: list[bytes] = []
    for part in parts:
        if isinstance(part, bytes):
            steps += (b"1" + bytes([character]) for character in part)
            continue
        length, distance = part[0] - 3, part[1]
        far = distance - 0x80
        if far < 0:
            steps.append(b"0" + bytes([distance, length]))
        elif far < 0x200 and length < 0x20:
            steps.append(b"0" + bytes([0x80 | far & 0x7F, far >> 2 & 0x60 | length]))
        else:
            steps.append(b"0" + bytes([0x80 | far & 0x7F, 0x80 | far >> 7, length]))
    data = b""
    for at in range(0, len(steps), 8):
        group = steps[at : at + 8]
        data += bytes([sum(1 << bit for bit, step in enumerate(group) if step[:1] == b"1")])
        data += b"".join(step[1:] for step in group)
    return data


def test_a_string_table_in_cythons_own_compression_is_unpacked() -> None:
    """Cython 3.3 packs a table so; near, farther and far repetitions have forms of their own."""
    filler = bytes(range(33, 127)) * 3
    table = packed(b"rapidfuzz.fuzz_cpp", (9, 9), b".distance", filler, (6, 300), (70, 200), b"!")

    text = unpack_constants(b"end\0" + table + b"\0\0\0\0")

    whole = b"rapidfuzz.fuzz_cpprapidfuzz.distance" + filler
    for length, distance in ((6, 300), (70, 200)):
        end = len(whole) - distance
        whole += whole[end - length : end]
    assert whole + b"!" in text


def test_a_repetition_of_what_has_not_been_written_ends_the_text() -> None:
    table = packed(b"literals", b"abcdefgh", (5, 100), b"more")

    assert unpack_constants(b"\0" + table).endswith(b"\0literalsabcdefgh")
