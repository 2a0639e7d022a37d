"""Which init function CPython looks up: `_PyImport_GetModInfo`-style naming."""

from __future__ import annotations


def init_function(module: str) -> str:
    """Return the init function of an extension module, by its dotted name.

    Mirrors `get_encoded_name` of Python/importdl.c: the last component, in
    ASCII as it is with `PyInit_`, else in Punycode with `PyInitU_`; a hyphen
    becomes an underscore either way.
    """
    name = module.rpartition(".")[2]
    if name.isascii():
        return "PyInit_" + name.replace("-", "_")
    return "PyInitU_" + name.encode("punycode").decode("ascii").replace("-", "_")
