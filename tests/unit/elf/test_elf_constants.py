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
