"""Profiles made of parts: what several targets share is written down once.

A part is a profile with most of its keys missing.  `extends` names the parts,
which are laid over one another in that order, the profile itself last: objects
are merged key by key, libraries by their path, and any other value replaces
the one below.  `without` takes libraries of the parts away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, Final

from abicheck.errors import ProfileError
from abicheck.profiles._getters import Fields

DATA: Final = files("abicheck.profiles") / "data"


def read_part(name: str) -> dict[str, Any]:
    """Return one of the parts that come with abicheck; raise `ProfileError` if there is none."""
    if not name.replace("-", "").replace(".", "").replace("_", "").isalnum():
        reason = f"part {name!r}: not a part's name"
        raise ProfileError(reason)
    try:
        text = (DATA / "parts" / f"{name}.json").read_bytes()
    except OSError as error:
        reason = f"part {name!r}: there is no such part"
        raise ProfileError(reason) from error
    part: dict[str, Any] = json.loads(text)
    return part


def compose(
    data: dict[str, Any], where: str, read: Callable[[str], dict[str, Any]] = read_part
) -> dict[str, Any]:
    """Return a profile with all that it extends filled in, and the words for that taken out."""
    if "extends" not in data:
        return data
    names = Fields(data, where).strings("extends")
    whole: dict[str, Any] = {}
    for layer in (*map(read, names), data):
        whole = _lay(whole, layer, where)
    del whole["extends"]
    return whole


def _lay(under: Mapping[str, Any], over: Mapping[str, Any], where: str) -> dict[str, Any]:
    whole = dict(under)
    for key, value in over.items():
        if key == "without":
            continue
        known = whole.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            whole[key] = known | value
        else:
            whole[key] = value
    if "libraries" in over or "without" in over:
        fields = Fields(dict(over), where)
        libraries = {
            path: library
            for path, library in _by_path(under, where).items()
            if path not in fields.strings("without", optional=True)
        }
        for path, library in _by_path(over, where).items():
            libraries[path] = libraries.get(path, {}) | library
        whole["libraries"] = list(libraries.values())
    return whole


def _by_path(layer: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    if "libraries" not in layer:
        return {}
    libraries: dict[str, dict[str, Any]] = {}
    for fields, library in zip(
        Fields(dict(layer), where).objects("libraries"), layer["libraries"], strict=True
    ):
        path = fields.get("path", str)
        if path in libraries:
            reason = f"{fields.where}.path: {path} is listed twice"
            raise ProfileError(reason)
        libraries[path] = library
    return libraries
