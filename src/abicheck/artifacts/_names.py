"""What a member may be called.  Names are hostile until they have passed here."""

from __future__ import annotations

import posixpath

from abicheck.model import Irregular, reached


def check_name(name: str, longest: int, deepest: int = 100) -> tuple[Irregular, str] | None:
    """Return what is wrong with a member's name, or None.

    A backslash is only reported: on Linux it is a character like any other.
    """
    if not name or "\0" in name:
        return Irregular.BAD_NAME, "the name is empty or holds a zero byte"
    if len(name) > longest:
        return Irregular.BAD_NAME, reached(
            "path", f"the name is longer than {longest:,} characters"
        )
    if name.startswith("/") or name[1:3] in (":/", ":\\"):
        return Irregular.CLIMBS_OUT, "the name is an absolute path"
    if ".." in name.split("/"):
        return Irregular.CLIMBS_OUT, "the name leads out of the archive"
    if name.count("/") > deepest:
        # Each folder on the way to a member is kept by its whole path.
        return Irregular.LIMIT, reached(
            "nesting", f"lies more than {deepest} folders deep; not read"
        )
    if "\\" in name:
        if ".." in name.replace("\\", "/").split("/"):
            return Irregular.CLIMBS_OUT, "the name leads out of the archive"
        return Irregular.BACKSLASH, "backslashes are part of the name on Linux, not separators"
    return None


class Places:
    """Where members have been put so far: what is a file, and what is a folder."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders = {"."}

    def put(self, name: str, *, folder: bool) -> str | None:
        """Put one more there, or return why it has no place; the first member has its own."""
        path = posixpath.normpath(name)
        above = []
        parent = posixpath.dirname(path)
        while parent and parent not in self._folders:
            if parent in self._files:
                return f"its folder {parent} is a file of the archive"
            above.append(parent)
            parent = posixpath.dirname(parent)
        if path in (self._files if folder else self._folders):
            other = "a file" if folder else "a folder"
            return f"the archive has {other} of that name as well"
        self._folders.update(above)
        (self._folders if folder else self._files).add(path)
        return None
