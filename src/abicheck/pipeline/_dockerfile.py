"""Base images of a Dockerfile that are named without a digest."""

from __future__ import annotations

import re
from typing import Final

_FROM: Final = re.compile(
    r"^\s*FROM\s+(?:--\S+\s+)*(?P<image>\S+)(?:\s+AS\s+(?P<stage>\S+))?", re.IGNORECASE
)
_ARG: Final = re.compile(r"^\s*ARG\s+(?P<name>\w+)(?:=(?P<value>\S*))?", re.IGNORECASE)
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)")


def floating_bases(text: str) -> tuple[str, ...]:
    """Return the images that FROM names by a tag, or by nothing but their repository.

    Arguments that stand before the first FROM are put in with their defaults;
    earlier stages and `scratch` are no images of a registry.
    """
    arguments: dict[str, str] = {}
    stages: set[str] = set()
    found: dict[str, None] = {}
    for line in re.sub(r"\\[ \t]*\n", " ", text).splitlines():
        argument = _ARG.match(line)
        if argument is not None and not stages and not found:
            arguments[argument["name"]] = (argument["value"] or "").strip("\"'")
        base = _FROM.match(line)
        if base is None:
            continue
        name = _VARIABLE.sub(
            lambda match: arguments.get(match[1] or match[3], "") or match[2] or "", base["image"]
        )
        if name.lower() not in {*stages, "scratch"} and "@" not in name:
            found[name or base["image"]] = None
        stages.add((base["stage"] or f"stage {len(stages)}").lower())
    return tuple(found)
