"""What a process holds before it has opened anything: the start-up of a program."""

from __future__ import annotations

from dataclasses import replace

from abicheck.filesystem import Tree
from abicheck.loader._process import HaltError, Process
from abicheck.loader._search import FileSystem
from abicheck.model import TargetProfile


def start_up(profile: TargetProfile, executable: str, loader: str) -> tuple[tuple[str, ...], str]:
    """Return the search list of a process that runs `executable`, and why it would not start.

    The names are the loader's own (`l_name`), the executable first, breadth
    first from there; the reason is its sentence, or empty.  `loader` is what
    PT_INTERP names.  Mirrors what `dl_main` of elf/rtld.c does with
    `_dl_map_object_deps`, the loader being a map of its own from the start.
    """
    bare = replace(profile, interpreter=replace(profile.interpreter, startup=(), preloaded=()))
    process = Process(FileSystem(Tree({}), bare), {}, {}, bare)
    program = process.start(executable)
    process.start(loader)
    search_list = [program]
    for entry in search_list:
        for name in entry.needed:
            try:
                needed, _ = process.map_needed(name, entry)
            except HaltError as error:
                return tuple(e.name for e in search_list), str(error)
            if needed not in search_list:
                search_list.append(needed)
    return tuple(entry.name for entry in search_list), ""
