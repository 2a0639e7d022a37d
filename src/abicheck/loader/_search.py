"""Where the loader looks: dynamic string tokens, path lists, hwcaps, directories."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from abicheck.filesystem import Tree, target_tree
from abicheck.loader import _releases as since
from abicheck.loader._verify import Verdict
from abicheck.model import Dependency, Library, TargetProfile

# is_dst: `$NAME` or `${NAME}`, the longest possible identifier; or, at first, a whole path element.
_NAMES: Final = r"\$(?:\{(ORIGIN|PLATFORM|LIB)\}|(ORIGIN|PLATFORM|LIB)"
_TOKEN: Final = re.compile(_NAMES + r"(?![A-Za-z0-9_]))")
_ELEMENT: Final = re.compile(_NAMES + r"(?=/|$))")


def expand(text: str, origin: str, profile: TargetProfile) -> str:
    """Replace dynamic string tokens, as `_dl_dst_substitute` does."""
    if "$" not in text:
        return text
    values = {"ORIGIN": origin, "PLATFORM": profile.platform, "LIB": profile.lib}
    token = _TOKEN if profile.libc_version >= since.LONGEST_TOKEN else _ELEMENT
    return token.sub(lambda match: values[match[1] or match[2]], text)


def split_path(text: str, origin: str, profile: TargetProfile) -> tuple[str, ...]:
    """Return the directories of a run path, expanded, each ending in a slash.

    Mirrors `fillin_rpath`: an empty element is the current directory, one that
    expands to nothing is dropped, and repeats are dropped.
    """
    directories: dict[str, None] = {}
    for element in text.split(":"):
        if element:
            expanded = expand(element, origin, profile)
            if not expanded:
                continue
            stripped = expanded.rstrip("/")
            directories[f"{stripped}/"] = None
        else:
            directories[""] = None
    return tuple(directories)


class FileSystem:
    """The target's files: what the artifact brings, over what the target has."""

    def __init__(self, tree: Tree, profile: TargetProfile) -> None:
        self.tree = tree.over(target_tree(profile))
        self._artifact = tree
        self._cwd = str(profile.task_root)
        self._hwcaps = tuple(f"{name}/" for name in profile.hwcaps)
        self._libraries = profile.libraries
        self._real: dict[str, str | None] = {}
        self._subdirectories: dict[str, tuple[str, ...]] = {}
        self._paths: dict[tuple[str, str], tuple[str, ...]] = {}
        self.met: dict[tuple[str, str, str], Dependency] = {}
        """What was found because it had been loaded: requester, name, file."""
        self.verdicts: dict[str, Verdict] = {}
        """What becomes of each object of the artifact that was judged so far."""
        self._profile = profile

    def directories(self, text: str, origin: str) -> tuple[str, ...]:
        """Return the directories of a run path that are there: others are not looked into twice."""
        key = (text, origin)
        known = self._paths.get(key)
        if known is None:
            every = split_path(text, origin, self._profile)
            known = tuple(one for one in every if self.tree.is_dir(self.absolute(one)))
            self._paths[key] = known
        return known

    def absolute(self, path: str) -> str:
        """Return `path` seen from the function's working directory, /var/task."""
        return path if path.startswith("/") else posixpath.join(self._cwd, path)

    def library(self, path: str) -> Library | None:
        """Return the target's own library at `path`, if there is one."""
        real = self.real(path)
        if real is None or self._artifact.entry(real) is not None:
            return None
        return self._libraries.get(real)

    def target_library(self, path: str) -> Library:
        """Return the target's own library that its loader knows as `path`."""
        return self._libraries[self.tree.real(path) or path]

    def real(self, path: str) -> str | None:
        """Return the regular file at `path`, links followed, or None."""
        if path not in self._real:
            real = self.tree.real(self.absolute(path))
            self._real[path] = real if real is not None and self.tree.is_file(real) else None
        return self._real[path]

    def candidates(self, directory: str, name: str) -> Iterator[str]:
        """Yield the paths tried for `name` in one directory: hwcaps first, then itself."""
        subdirectories = self._subdirectories.get(directory)
        if subdirectories is None:
            where = self.absolute(directory)
            subdirectories = tuple(
                sub for sub in self._hwcaps if self.tree.is_dir(posixpath.join(where, sub))
            )
            self._subdirectories[directory] = subdirectories
        for sub in subdirectories:
            yield f"{directory}{sub}{name}"
        yield f"{directory}{name}"

    def is_readable(self, real: str) -> bool:
        """Whether Lambda's unprivileged user may read the file, as far as modes are known."""
        entry = self.tree.entry(real)
        if entry is not None and entry.mode is not None and not entry.mode & 0o004:
            return False
        folder = posixpath.dirname(real)
        while folder != "/":
            entry = self.tree.entry(folder)
            if entry is not None and entry.mode is not None and not entry.mode & 0o001:
                return False
            folder = posixpath.dirname(folder)
        return True
