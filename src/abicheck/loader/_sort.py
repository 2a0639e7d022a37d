"""The order in which new objects are relocated: `_dl_sort_maps` of three eras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Generic, Protocol, TypeVar

from abicheck.loader import _releases as since
from abicheck.loader._releases import Release


class Node(Protocol):
    """Something with direct dependencies of its own kind."""

    @property
    def dependencies(self) -> Sequence[Node]:
        """The direct dependencies, in the order of DT_NEEDED."""
        ...


N = TypeVar("N", bound=Node)


class RelocationOrder(Generic[N]):
    """The objects to be relocated, and the order in which they are: found where it matters.

    Of a circle of a hundred libraries, older releases find it with a million steps.
    """

    def __init__(self, search_list: Sequence[N], new: Sequence[N], libc: Release) -> None:
        self.entries = list(new)
        self._search_list = search_list
        self._libc = libc

    def sort(self, entries: list[N]) -> list[N]:
        """Return some of the objects in the order in which they are relocated."""
        if len(entries) <= 1:
            return entries
        order = initialisation_order(self._search_list, self.entries, self._libc)
        wanted = set(map(id, entries))
        return [entry for entry in reversed(order) if id(entry) in wanted]


def initialisation_order(search_list: Sequence[N], new: Sequence[N], libc: Release) -> list[N]:
    """Return every object before what it needs, the root first; relocation goes backwards.

    From 2.32 on this is `l_initfini`, of the whole search list.  Before,
    `dl_open_worker` sorts the objects that are `new` once more, the root
    among them.
    """
    root, rest = search_list[0], list(search_list[1:])
    if libc >= since.DEPTH_FIRST:
        return [root, *_depth_first(rest)]
    edges = {id(entry): {id(dep) for dep in entry.dependencies} for entry in search_list}
    if libc >= since.ONE_ORDER:
        return [root, *_quadratic(rest, edges)]
    # By then, the root's own list of dependencies is its whole closure.
    edges[id(root)] = {id(entry) for entry in rest}
    return _quadratic(list(new), edges)


def _quadratic(maps: list[N], needs: Mapping[int, AbstractSet[int]]) -> list[N]:
    """Move each object behind the last one that needs it, as glibc did up to 2.34."""
    count = len(maps)
    if count <= 1:
        return maps
    edges = [needs[id(entry)] for entry in maps]
    seen = [0] * count
    i = 0
    while True:
        seen[i] += 1
        this = id(maps[i])
        k = count - 1
        while k > i and this not in edges[k]:
            k -= 1
        if k > i:
            maps.insert(k, maps.pop(i))
            edges.insert(k, edges.pop(i))
            # A cycle would move its members for ever; glibc counts the rounds.
            if seen[i + 1] > count - i:
                i += 1
                seen[i:] = [0] * (count - i)
                continue
            seen.insert(k, seen.pop(i))
            continue
        i += 1
        if i == count:
            return maps
        seen[i:] = [0] * (count - i)


def _depth_first(maps: list[N]) -> list[N]:
    """Return reverse post-order, begun from the last object, as glibc does from 2.35 on."""
    members = {id(entry): entry for entry in maps}
    visited: set[int] = set()
    order: list[N] = []
    for start in reversed(maps):
        if id(start) in visited:
            continue
        visited.add(id(start))
        stack = [(start, iter(start.dependencies))]
        while stack:
            entry, dependencies = stack[-1]
            for dependency in dependencies:
                key = id(dependency)
                if key in members and key not in visited:
                    visited.add(key)
                    stack.append((members[key], iter(members[key].dependencies)))
                    break
            else:
                stack.pop()
                order.append(entry)
    return order[::-1]
