"""Symbol lookup: `check_match`, `do_lookup_x`, `_dl_lookup_symbol_x`."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from abicheck.loader import _releases as since
from abicheck.loader._process import Loaded
from abicheck.loader._releases import Release
from abicheck.model import Outcome, SymbolDef, SymbolRef

_LARGE = 16  # objects, from which on an index of their names costs less than asking each
_SECOND = 2  # DT_VERSYM index of the first version an unversioned reference still takes


class Match(enum.Enum):
    """What one object says to one reference."""

    NO = enum.auto()
    YES = enum.auto()
    KILLS = enum.auto()
    UNKNOWN = enum.auto()


@dataclass(frozen=True, slots=True)
class Lookup:
    """How the search for one reference ended.

    `assumed` says that it rests on a library whose symbols are not known, or
    known from a stand-in only; `doubt` names the stand-in that should have had
    it.  `kills` and `misplaced` end the load whatever a later object has: the
    file that the reference names has no versions at all, or not this symbol.
    """

    outcome: Outcome
    provider: Loaded | None = None
    assumed: bool = False
    doubt: str = ""
    kills: bool = False
    misplaced: bool = False


class Scope:
    """The objects that one search goes through, in order.

    Most objects do not have the name that is looked for, so that asking costs
    one question to a dictionary; and each table is decoded when the first
    search comes to it.  Of a large scope, all tables are laid over one another
    once, and a search begins at the first object that can matter.
    """

    def __init__(self, entries: Sequence[Loaded], libc: Release) -> None:
        self.entries = tuple(entries)
        self._libc = libc
        self._may_move = libc >= since.MAY_MOVE
        self._asked: list[Callable[[str], tuple[SymbolDef, ...] | None]] = []
        self._bound = [
            Lookup(Outcome.BOUND, entry, assumed=not entry.table.complete) for entry in self.entries
        ]
        self._large = self._may_move and len(self.entries) > _LARGE
        self._first: dict[str, int] | None = None
        self._unsure = 0
        self.unsearchable = next(
            (e for e in self.entries if e.facts is not None and e.facts.unsearchable), None
        )
        self.files = frozenset(entry.file for entry in self.entries)
        # By these a reference may name an object that could end its search.
        self.strict_names = {
            name
            for entry in self.entries
            if not self._may_move or not entry.table.versioned
            for name in (entry.name, *entry.names)
        }

    def _begin(self, name: str) -> int:
        """Return the place of the first object that has a name, or whose table is not all known."""
        if self._first is None:
            count = len(self.entries)
            tables = [entry.table for entry in self.entries]
            self._unsure = next((n for n, table in enumerate(tables) if not table.complete), count)
            self._first = {}
            for place in reversed(range(count)):
                self._first.update(dict.fromkeys(tables[place].definitions, place))
        return min(self._first.get(name, self._unsure), self._unsure)

    def look_up(self, ref: SymbolRef, *, closed: bool) -> Lookup:
        """Search in order; `closed` says that no needed library is missing from the scope."""
        unknown: Loaded | None = None
        name = ref.name
        asked = self._asked
        entries = self.entries
        for place in range(self._begin(name) if self._large else 0, len(entries)):
            entry = entries[place]
            while place >= len(asked):
                asked.append(entries[len(asked)].table.definitions.get)
            definitions = asked[place](name)
            if definitions is None and entry.table.complete and self._may_move:
                continue
            answer = _match(entry, ref, definitions, self._libc)
            if answer is Match.YES:
                return self._bound[place]
            if answer is Match.KILLS:
                return Lookup(Outcome.NO_VERSION, entry, kills=True)
            if answer is Match.UNKNOWN and unknown is None:
                unknown = entry
            if answer is Match.NO and not self._may_move and _must_have(entry, ref):
                return Lookup(Outcome.NO_SYMBOL, entry, misplaced=True)
        return _unbound(ref, self.entries, unknown, closed=closed)


def _match(
    entry: Loaded, ref: SymbolRef, definitions: tuple[SymbolDef, ...] | None, libc: Release
) -> Match:
    """Compare a reference with what one object has by that name: `check_match`."""
    table = entry.table
    if definitions is None:
        return Match.NO if table.complete else _might_have(entry, ref)
    definitions = table.find(ref.name)
    if not definitions:
        return Match.NO
    if ref.version is None:
        if not table.versioned or any(d.index <= _SECOND or not d.hidden for d in definitions):
            return Match.YES
        return Match.NO
    if not table.versioned:
        broken = libc < since.UNVERSIONED_ACCEPTED and _is_named(entry, ref)
        return Match.KILLS if broken else Match.YES
    if any(d.version == ref.version or (d.version is None and not d.hidden) for d in definitions):
        return Match.YES
    return Match.NO


def _is_named(entry: Loaded, ref: SymbolRef) -> bool:
    """Whether the reference's version is expected of this very object."""
    return ref.soname is not None and entry.is_called(ref.soname)


def _might_have(entry: Loaded, ref: SymbolRef) -> Match:
    """Say whether a library whose symbols are not all known could have this one."""
    if ref.name.startswith(("Py", "_Py")):
        return Match.NO
    versions = entry.table.versions
    if ref.version is None:
        # A stand-in lists every unversioned name it has; an unlisted library may have any.
        return Match.NO if entry.table.definitions else Match.UNKNOWN
    if versions is not None and ref.version not in versions:
        return Match.NO
    return Match.UNKNOWN


def _must_have(entry: Loaded, ref: SymbolRef) -> bool:
    """Whether glibc, up to 2.29, ends the search here: no other file may have the symbol.

    An object without a single definition has an empty hash table, and is
    passed over before it is asked.
    """
    return ref.version is not None and bool(entry.table.definitions) and _is_named(entry, ref)


def _unbound(
    ref: SymbolRef, scope: Sequence[Loaded], unknown: Loaded | None, *, closed: bool
) -> Lookup:
    """Say how a search ended in which nothing answered with certainty."""
    if unknown is not None and not unknown.table.definitions:
        return Lookup(Outcome.BOUND, unknown, assumed=True)
    if ref.weak:
        return Lookup(Outcome.WEAK_UNBOUND)
    if unknown is not None:
        return Lookup(Outcome.NO_SYMBOL, unknown, doubt=unknown.soname or unknown.name)
    if not closed:
        return Lookup(Outcome.NO_LIBRARY)
    if ref.version is not None and not _has_version(ref.version, scope):
        return Lookup(Outcome.NO_VERSION)
    return Lookup(Outcome.NO_SYMBOL)


def _has_version(version: str, scope: Iterable[Loaded]) -> bool:
    return any(version in (entry.table.versions or ()) for entry in scope)
