"""Read the configuration; every fault has an address.

Options are known to the command line, and given to `load_config`: a key is the
long name of an option.  Paths are relative to the folder of the file, so that
it does not matter where abicheck is run.
"""

from __future__ import annotations

import enum
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NoReturn

from abicheck.errors import ConfigError

_STANDALONE: Final = "abicheck.toml"
_PROJECT: Final = "pyproject.toml"
_OWN: Final = ("functions", "ignore", "required-version")
_PER_FUNCTION: Final = (
    "architecture",
    "as-of",
    "cold-start-budget",
    "dockerfile",
    "env",
    "handler",
    "layer",
    "reference",
    "requirements",
    "runtime",
    "size-budget",
    "smoke",
    "smoke-image",
    "smoke-timeout",
    "target",
    "wheels",
)
# What these are called where they are a function's own: as in Lambda's configuration.
FUNCTION_KEYS: Final = {"layer": "layers", "env": "environment"}
_IGNORE: Final = ("rule", "path", "distribution", "subject", "function", "reason", "expires")
_PATHS: Final = ("anchor", "baseline", "dockerfile", "layer", "requirements", "wheels")

Table = Mapping[str, Any]
Value = str | bool | list[str]
"""What an option takes."""


class Kind(enum.Enum):
    """What an option takes."""

    TEXT = "text"
    FLAG = "true or false"
    LIST = "a list of texts"


@dataclass(frozen=True, slots=True)
class Function:
    """One of the functions of a repository; `options` are by long name, and win over the rest."""

    name: str
    artifact: str
    options: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ignore:
    """A suppression: which findings do not count, why, and until when.

    `path` is a shell pattern for the path inside the artifact, in which `*`
    crosses folders; `rule` a code, the beginning of one, or a name.  `origin`
    is its address.
    """

    rule: str
    reason: str
    path: str | None = None
    distribution: str | None = None
    subject: str | None = None
    function: str | None = None
    expires: date | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """What the configuration says; `path` is None where there is none."""

    path: Path | None = None
    options: Mapping[str, Value] = field(default_factory=dict)
    functions: tuple[Function, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    required_version: str | None = None


def load_config(named: Path | None, folder: Path, known: Mapping[str, Kind]) -> Config:
    """Read the file named, or the nearest one at `folder` or above, up to the repository's root.

    Raises `ConfigError` for a file that cannot be read, a key that does not
    exist, and a value that is of another type.
    """
    if named is not None:
        table = _load(named)
        if named.name == _PROJECT:
            table = _section(table)
        return _Reader(named, known).read(table)
    for each in (folder, *folder.parents):
        standalone, project = each / _STANDALONE, each / _PROJECT
        if standalone.is_file():
            return _Reader(standalone, known).read(_load(standalone))
        if project.is_file() and (table := _section(_load(project))):
            return _Reader(project, known).read(table)
        if (each / ".git").exists():
            break
    return Config()


def _load(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = f"{path}: {error.strerror or error}"
        raise ConfigError(reason) from error
    except (ValueError, RecursionError) as error:  # a number too long, a thousand brackets
        reason = f"{path}: {error}"
        raise ConfigError(reason) from error


def _section(table: Table) -> Table:
    tool = table.get("tool")
    section = tool.get("abicheck") if isinstance(tool, dict) else None
    return section if isinstance(section, dict) else {}


class _Reader:
    """One file; knows its address and its folder."""

    def __init__(self, path: Path, known: Mapping[str, Kind]) -> None:
        self._path = path
        self._known = known
        self._prefix = "tool.abicheck." if path.name == _PROJECT else ""

    def read(self, table: Table) -> Config:
        """Return what the table says, or raise `ConfigError`."""
        self._refuse_unknown("", table, (*self._known, *_OWN))
        options = {
            key: self._option(key, key, value)
            for key, value in table.items()
            if key in self._known and key != "ignore"
        }
        ignored, ignores = self._ignores(table.get("ignore", []))
        if ignored:
            options["ignore"] = ignored
        required = table.get("required-version")
        if required is not None:
            self._expect("required-version", required, Kind.TEXT)
        return Config(
            self._path,
            options,
            tuple(self._functions(table.get("functions", {}))),
            ignores,
            required,
        )

    # --- values ---

    def _option(self, key: str, address: str, value: Value) -> Value:
        self._expect(address, value, self._known[key])
        if isinstance(value, bool):
            return value
        if key == "format" and isinstance(value, list):
            return [self._output(text) for text in value]
        if key in _PATHS or (key == "target" and _is_path(str(value))):
            if isinstance(value, list):
                return [self._resolve(item) for item in value]
            return self._resolve(value)
        return value

    def _expect(self, address: str, value: object, kind: Kind) -> None:
        right = {
            Kind.TEXT: isinstance(value, str),
            Kind.FLAG: isinstance(value, bool),
            Kind.LIST: isinstance(value, list) and all(isinstance(item, str) for item in value),
        }[kind]
        if not right:
            self._fail(address, f"expected {kind.value}, found {_described(value)}")

    def _resolve(self, value: str) -> str:
        return _from_here(self._path.parent / value)

    def _output(self, text: str) -> str:
        name, equals, file = text.partition("=")
        return f"{name}={self._resolve(file)}" if equals and file else text

    # --- tables ---

    def _functions(self, table: object) -> Iterable[Function]:
        if not isinstance(table, dict):
            self._fail("functions", f"expected tables, found {_described(table)}")
        for name, function in table.items():
            address = f"functions.{name}"
            if not isinstance(function, dict):
                self._fail(address, f"expected a table, found {_described(function)}")
            keys = {FUNCTION_KEYS.get(k, k): k for k in _PER_FUNCTION if k in self._known}
            self._refuse_unknown(f"{address}.", function, ("artifact", *keys))
            artifact = function.get("artifact")
            if artifact is None:
                self._fail(address, "the artifact is missing")
            self._expect(f"{address}.artifact", artifact, Kind.TEXT)
            options = {
                keys[key]: self._environment(f"{address}.{key}", value)
                if keys[key] == "env"
                else self._option(keys[key], f"{address}.{key}", value)
                for key, value in function.items()
                if key != "artifact"
            }
            # What an engine has, and standard input, lie in no folder.
            if not artifact.startswith("docker:") and artifact != "-":
                artifact = self._resolve(artifact)
            yield Function(name, artifact, options)

    def _environment(self, address: str, table: object) -> list[str]:
        """Return a function's variables as the option takes them, `NAME=VALUE`."""
        if not isinstance(table, dict):
            self._fail(address, f"expected a table, found {_described(table)}")
        for name, value in table.items():
            self._expect(f"{address}.{name}", value, Kind.TEXT)
        return [f"{name}={value}" for name, value in table.items()]

    def _ignores(self, items: object) -> tuple[list[str], tuple[Ignore, ...]]:
        """Take rules that are not wanted at all apart from findings that are accepted."""
        if not isinstance(items, list):
            self._fail("ignore", f"expected a list, found {_described(items)}")
        rules = [item for item in items if isinstance(item, str)]
        tables = [
            self._ignore(f"ignore[{index}]", item)
            for index, item in enumerate(items)
            if not isinstance(item, str)
        ]
        return rules, tuple(tables)

    def _ignore(self, address: str, table: object) -> Ignore:
        if not isinstance(table, dict):
            self._fail(address, f"expected a rule or a table, found {_described(table)}")
        self._refuse_unknown(f"{address}.", table, _IGNORE)
        for key in ("rule", "reason"):
            if not table.get(key):
                self._fail(address, f"the {key} is missing")
        expires = table.get("expires")
        texts = {key: value for key, value in table.items() if key != "expires"}
        for key, value in texts.items():
            self._expect(f"{address}.{key}", value, Kind.TEXT)
        origin = f"{self._path.name}: {self._prefix}{address}"
        return Ignore(**texts, expires=self._day(f"{address}.expires", expires), origin=origin)

    def _day(self, address: str, value: object) -> date | None:
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                self._fail(address, f"expected a day such as 2027-01-31, found {value!r}")
        if isinstance(value, datetime):
            return value.date()
        if value is not None and not isinstance(value, date):
            self._fail(address, f"expected a day such as 2027-01-31, found {_described(value)}")
        return value

    # --- complaints ---

    def _refuse_unknown(self, address: str, table: Table, known: Iterable[str]) -> None:
        known = sorted(known)
        for key in table:
            if key not in known:
                close = get_close_matches(key, known, n=1)
                hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
                self._fail(f"{address}{key}", f"unknown key; {hint}")

    def _fail(self, address: str, what: str) -> NoReturn:
        reason = f"{self._path}: {self._prefix}{address}: {what}"
        raise ConfigError(reason)


def _described(value: object) -> str:
    names = {dict: "a table", list: "a list", str: "text", bool: "true or false", int: "a number"}
    return names.get(type(value), type(value).__name__)


def _is_path(target: str) -> bool:
    return "/" in target or "\\" in target or target.endswith(".json")


def _from_here(path: Path) -> str:
    """Return a path as it is written from the current folder, where that is possible."""
    try:
        return os.path.relpath(path)
    except ValueError:  # on another drive of Windows
        return str(path)
