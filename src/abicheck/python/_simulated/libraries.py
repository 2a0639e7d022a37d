"""Libraries that sources open: by `ctypes`, by cffi, by a path, a part of one, or a name.

The authorities are `Lib/ctypes/util.py` of CPython 3.13, and of cffi `_load_backend_lib` in
`cffi/api.py` and `b_do_dlopen` in `c/_cffi_backend.c`, whose texts are given word for word.
"""

from __future__ import annotations

import fnmatch
import posixpath
from pathlib import PurePosixPath

from abicheck.model import Failure, Site
from abicheck.python._simulated.machine import Doubt, ImportSite, Machine
from abicheck.python._simulated.raising import DiedError, RaisedError, failure_of
from abicheck.python._simulated.values import (
    ANY,
    THING,
    ExceptionValue,
    PathValue,
    Pattern,
    Value,
)


class Libraries(Machine):
    """The part of a process that opens libraries."""

    def open_library(self, name: Value, mode: Value = 0) -> Value:
        """Open a shared library as `ctypes.CDLL` does."""
        if not name:
            return THING  # the process itself
        text = name.text if isinstance(name, PathValue) else name
        if isinstance(text, Pattern):
            return self._open_one_of(text.glob, mode)
        if not isinstance(text, str):
            return ANY
        reason = self._open_named(text, mode)
        if reason is not None:
            raise self._absent(text, reason)
        return THING

    def open_by_cffi(self, name: Value, mode: Value, *, interpreted: bool) -> Value:
        """Open a shared library as `dlopen` of an FFI of cffi's does, in Python or in C."""
        if not isinstance(name, str) or not name:
            return self.open_library(name, mode)
        tried = not interpreted or "." in name or "/" in name
        reason = self._open_named(name, mode) if tried else None
        if tried and reason is None:
            return THING
        first = f"cannot load library {name!r}: {reason}"
        if not interpreted:
            text = first
        elif self.find_library(name) is not None:
            return ANY
        else:
            text = f"ctypes.util.find_library() did not manage to locate a library called {name!r}"
            text = f"{first}.  Additionally, {text}" if tried else text
        raise self._absent(name, text)

    def find_library(self, name: Value) -> Value:
        """Mirror `ctypes.util.find_library`, whose means differ from target to target.

        What none of them can find is not there.
        """
        if not isinstance(name, str) or not name or self.setting.assume_missing_installed:
            return ANY
        return ANY if self.setting.loads.has_library(f"lib{name}.") else None

    def _open_named(self, text: str, mode: Value) -> str | None:
        """Open what a name stands for; return the loader's words if there is nothing."""
        if "/" not in text:
            found = self.setting.loads.search(text, tuple(self.opened))
            if isinstance(found, Failure):
                return None if self.setting.assume_missing_installed else found.message
            if self.world.tree.is_file(found):
                self._open(found, mode)
            return None
        full = self.world.absolute(text)
        if self.world.tree.is_file(full):
            self._open(self.world.tree.real(full) or full, mode)
            return None
        if not text.startswith("/") or not self.world.in_view(full):
            return None
        return f"{text}: cannot open shared object file: No such file or directory"

    def _absent(self, name: str, text: str) -> RaisedError:
        """Return what opening a library ends in that is not there, and remember who does."""
        error = self.failed(text, "OSError")
        if "/" not in name and not self._here()[1] and all(frame.certain for frame in self.frames):
            doubt = Doubt(failure_of(error.value), error.value.via)
            self.setting.absent.setdefault(name, doubt)
        return error

    def _here(self) -> tuple[Site, bool]:
        """Return the line that is being run, and whether an OSError would be caught."""
        error = ExceptionValue("OSError")
        guarded = any(each.catches(error) is not False for each in self.tries)
        return self.frames[-1].site if self.frames else Site(PurePosixPath(), 0), guarded

    def _open(self, path: str, mode: Value) -> None:
        site, guarded = self._here()
        known = self.setting.libraries.get(path)
        if known is None or (known.guarded and not guarded):
            self.setting.libraries[path] = ImportSite(site, guarded)
        failure = self.setting.loads.library(path, tuple(self.opened), self.everywhere)
        if failure is not None:
            self.fail(failure, "OSError", path)
        self.mark_opened(path, mode)

    def _open_one_of(self, glob: str, mode: Value) -> Value:
        """Open the one file that a partly known name can mean; of several, none is certain."""
        candidates = [path for path in self.setting.objects() if self._is_meant(path, glob)]
        for path in candidates:
            try:
                self._open(path, mode)
            except (RaisedError, DiedError) as error:
                if len(candidates) == 1:
                    self.suspect(error)
        return ANY

    def _is_meant(self, path: str, glob: str) -> bool:
        folder, base = posixpath.split(glob)
        if not base.strip("*"):
            return False
        if not folder:
            return fnmatch.fnmatchcase(posixpath.basename(path), base)
        whole = glob if folder.startswith(("/", "*")) else posixpath.join(self.world.root, glob)
        return fnmatch.fnmatchcase(path, whole)
