"""The handler setting on the target: how its import ends, and what may have been meant instead."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from abicheck.model import Failure, HandlerFacts, Interpreter, Prediction, Verdict
from abicheck.pipeline._inventory import Contents
from abicheck.python.handler import Handler, parse_handler, refused

if TYPE_CHECKING:
    from abicheck.python.simulate import Simulation

_MOST: Final = 3


def module_of(setting: str) -> str:
    """Return the module that Lambda would import for a setting."""
    handler = parse_handler(setting)
    return handler.dotted if isinstance(handler, Handler) else setting


def ask(
    setting: str,
    interpreter: Interpreter,
    simulation: Simulation,
    predict: Callable[[str], Prediction],
) -> Prediction:
    """Return what starting the function with this setting does, up to its first event."""
    handler = parse_handler(setting)
    if isinstance(handler, Failure):
        return Prediction(setting, Verdict.FAILS, handler)
    refusal = refused(handler, interpreter)
    if refusal is not None:
        return Prediction(handler.dotted, Verdict.FAILS, refusal)
    prediction = predict(handler.dotted)
    if prediction.verdict is Verdict.LOADS:
        failure = simulation.names(handler)
        if failure is not None:
            return replace(prediction, verdict=Verdict.FAILS, failure=failure)
    return prediction


def facts_of(
    setting: str, asked: Prediction, contents: Contents, simulation: Simulation
) -> HandlerFacts:
    """Return what the setting may have been meant to name, where it names nothing."""
    handler = parse_handler(setting)
    if isinstance(handler, Failure) or asked.verdict is not Verdict.FAILS:
        return HandlerFacts(setting)
    text = asked.failure.message if asked.failure is not None else None
    if asked.failure is not None and asked.failure.exception == "Runtime.HandlerNotFound":
        names = simulation.functions(handler.dotted)
        near = difflib.get_close_matches(handler.function, names, _MOST) or names[:_MOST]
        return HandlerFacts(setting, near=tuple(f"{handler.module}.{name}" for name in near))
    if not _is_missing(handler, text):
        return HandlerFacts(setting)
    deeper = _deeper(handler, contents)
    near = [] if deeper else _near(handler, contents)
    return HandlerFacts(
        setting,
        tuple(deeper[:_MOST]),
        tuple(f"{module}.{handler.function}" for module in near[:_MOST]),
    )


def _is_missing(handler: Handler, text: str | None) -> bool:
    """Whether it is the handler's own module, or a parent of it, that is not there."""
    parts = handler.dotted.split(".")
    names = (".".join(parts[: end + 1]) for end in range(len(parts)))
    return text is not None and any(
        text == said or text.startswith(f"{said};")
        for said in (f"No module named {name!r}" for name in names)
    )


def _own_sources(contents: Contents) -> Iterator[PurePosixPath]:
    """Yield the sources that no distribution has brought: many have an `app.py` too."""
    brought = {file for each in contents.inventory.distributions for file in each.files}
    for path in contents.tree.files():
        if path.endswith(".py") and contents.places.holds(path) and "-packages/" not in path:
            place = contents.places.location(path).path
            if str(place) not in brought:
                yield place


def _deeper(handler: Handler, contents: Contents) -> list[PurePosixPath]:
    """Return the files that would be the module, were they not some folders too deep."""
    stem = handler.dotted.replace(".", "/")
    ends = (f"/{stem}.py", f"/{stem}/__init__.py")
    found = [path for path in _own_sources(contents) if str(path).endswith(ends)]
    return sorted(found, key=lambda path: (len(path.parts), path))


def _near(handler: Handler, contents: Contents) -> list[str]:
    """Return modules of the artifact whose names are almost that of the handler's."""
    modules = [
        str(path.with_suffix("")).removesuffix("/__init__") for path in _own_sources(contents)
    ]
    wanted = handler.dotted.replace(".", "/").removesuffix("/py")
    if wanted in modules:
        return [wanted]
    same = [name for name in modules if name.casefold() == wanted.casefold()]
    return same or difflib.get_close_matches(wanted, modules, _MOST, cutoff=0.75)
