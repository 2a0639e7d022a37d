"""Methods of strings, lists and dictionaries, and what subscripts give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from abicheck.python._simulated.paths import path_method
from abicheck.python._simulated.questions import (
    MAX_ITEMS,
    MAX_TEXT,
    concatenate,
    is_key,
    is_ordered,
    items_of,
)
from abicheck.python._simulated.raising import RaisedError
from abicheck.python._simulated.values import (
    ANY,
    DictValue,
    ExceptionValue,
    ListValue,
    PathValue,
    Value,
)
from abicheck.python._simulated.world import World

_TEXT_METHODS: Final = frozenset(
    (
        "capitalize", "casefold", "center", "count", "encode", "endswith", "find", "index",
        "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower",
        "isnumeric", "isprintable", "isspace", "istitle", "isupper", "ljust", "lower", "lstrip",
        "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust",
        "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip",
        "swapcase", "title", "upper", "zfill",
    )
)  # fmt: skip

# Of these the first argument is the length of the result.
_PADDING: Final = frozenset(("center", "ljust", "rjust", "zfill"))

_BYTES_METHODS: Final = frozenset(
    ("count", "decode", "endswith", "find", "hex", "lower", "lstrip", "partition", "rfind",
     "rpartition", "rstrip", "split", "startswith", "strip", "upper")
)  # fmt: skip

# Methods of lists and dictionaries that change nothing.
READING: Final = frozenset(("copy", "count", "get", "index", "items", "keys", "values"))


def call_method(
    receiver: Value, name: str, args: Sequence[Value], kwargs: Mapping[str, Value], world: World
) -> Value:
    """Return what a method of a value that is not the artifact's own gives."""
    try:
        if isinstance(receiver, str):
            return _text_method(receiver, name, args, kwargs)
        if isinstance(receiver, bytes):
            return _bytes_method(receiver, name, args, kwargs)
        if isinstance(receiver, tuple):
            return _tuple_method(receiver, name, args)
        if isinstance(receiver, PathValue):
            return path_method(world, receiver, name, args)
        if isinstance(receiver, ListValue):
            return _list_method(receiver, name, args, kwargs)
        if isinstance(receiver, DictValue):
            return _dict_method(receiver, name, args, kwargs)
    except (TypeError, ValueError, IndexError, AttributeError):
        pass  # called in a way that is not followed here
    return ANY


def _text_method(text: str, name: str, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    if name == "join":
        items = items_of(args[0])
        if items is None or not is_ordered(args[0]):
            return ANY
        return concatenate([part for item in items for part in (text, item)][1:])
    if name == "format":
        return _formatted(text, args, kwargs)
    plain = all(isinstance(a, str | int | tuple | None) for a in (*args, *kwargs.values()))
    if name not in _TEXT_METHODS or not plain:
        return ANY
    if name == "replace" and len(text) * len(str(args[1])) > MAX_TEXT:
        return ANY
    if name in _PADDING and not (isinstance(args[0], int) and args[0] <= MAX_TEXT):
        return ANY
    answer: Value = getattr(text, name)(*args, **kwargs)
    return ListValue([*answer]) if isinstance(answer, list) else answer


def _bytes_method(
    data: bytes, name: str, args: Sequence[Value], kwargs: Mapping[str, Value]
) -> Value:
    plain = all(isinstance(a, str | bytes | int | tuple) for a in (*args, *kwargs.values()))
    if name not in _BYTES_METHODS or not plain:
        return ANY
    if name == "decode" and not _is_unicode((*args, "utf-8")[0]):
        return ANY
    answer: Value = getattr(data, name)(*args, **kwargs)
    return ListValue([*answer]) if isinstance(answer, list) else answer


def _is_unicode(encoding: Value) -> bool:
    """Whether decoding has nothing to do with codecs that run code of their own."""
    names = ("ascii", "latin1", "utf8")
    return isinstance(encoding, str) and encoding.lower().replace("-", "") in names


def _tuple_method(items: tuple[Value, ...], name: str, args: Sequence[Value]) -> Value:
    if name in ("count", "index") and all(map(is_key, (*items, *args))):
        return items.count(args[0]) if name == "count" else items.index(args[0])
    return ANY


def _formatted(text: str, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Value:
    """Fill in `{}`, `{0}` and `{name}`; what is longer is not followed."""
    parts: list[Value] = []
    counter = 0
    rest = text.replace("{{", "\0").replace("}}", "\1")
    while "{" in rest:
        before, _, rest = rest.partition("{")
        field, _, rest = rest.partition("}")
        key, _, spec = field.removesuffix("!s").partition(":")
        if not key:
            key = str(counter)
            counter += 1
        value: Value = ANY
        if not spec and key.isdecimal():
            value = args[int(key)] if len(key) < 3 and int(key) < len(args) else ANY  # noqa: PLR2004
        elif not spec:
            value = kwargs.get(key, ANY)
        parts += (_unescaped(before), value)
    return concatenate([*parts, _unescaped(rest)])


def _unescaped(text: str) -> str:
    return text.replace("\0", "{").replace("\1", "}")


def percent(text: str, argument: Value) -> Value:
    """Return `text % argument` where it only has `%s`, `%d` and `%r`."""
    args = list(argument) if isinstance(argument, tuple) else [argument]
    first, *pieces = text.replace("%%", "\0").split("%")
    parts: list[Value] = [first]
    for piece in pieces:
        if piece[:1] not in ("s", "d", "r") or not args:
            return ANY
        value = args.pop(0)
        if piece[0] == "r":
            value = repr(value) if isinstance(value, str | int | None) else ANY
        parts += (value, piece[1:])
    return concatenate(
        [part.replace("\0", "%") if isinstance(part, str) else part for part in parts]
    )


def _list_method(
    target: ListValue, name: str, args: Sequence[Value], kwargs: Mapping[str, Value]
) -> Value:
    items = target.items
    if name == "copy":
        return ListValue(None if items is None else list(items), target.ordered)
    if items is None:
        return ANY
    if name in ("append", "add", "insert", "extend", "update"):
        several = name in ("extend", "update")
        added = items_of(args[-1]) if several else [args[-1]]
        where = args[0] if name == "insert" else len(items)
        if added is None or len(items) + len(added) > MAX_ITEMS or not isinstance(where, int):
            target.items = None
        else:
            items[where:where] = added
            target.ordered = target.ordered and (not several or is_ordered(args[-1]))
        return None
    if name == "index" and isinstance(args[0], str) and args[0] in items:
        return items.index(args[0])
    return _shrink(target, items, name, args, kwargs)


def _shrink(
    target: ListValue,
    items: list[Value],
    name: str,
    args: Sequence[Value],
    kwargs: Mapping[str, Value],
) -> Value:
    """Mirror the methods of a list or a set that add nothing."""
    at = args[0] if args else -1
    if name == "pop" and target.ordered and isinstance(at, int) and -len(items) <= at < len(items):
        return items.pop(at)
    if name == "clear":
        items.clear()
    elif name == "reverse":
        items.reverse()
    elif name == "sort" and not kwargs and all(isinstance(item, str) for item in items):
        items.sort(key=str)
        target.ordered = True
    elif name in ("remove", "discard") and all(map(is_key, (*items, *args))) and args[0] in items:
        items.remove(args[0])
    elif name in ("pop", "remove", "discard", "sort"):
        target.items = None
        return ANY
    else:
        return ANY
    return None


def _dict_method(
    target: DictValue, name: str, args: Sequence[Value], kwargs: Mapping[str, Value]
) -> Value:
    items = target.items
    if name == "update":
        other = args[0] if args else DictValue({})
        if items is None or not isinstance(other, DictValue) or other.items is None:
            target.items = None
        else:
            items.update(other.items)
            items.update(kwargs.items())
        return None
    if items is None:
        return ANY
    if name == "get" and is_key(args[0]):
        return items.get(args[0], args[1] if len(args) > 1 else None)
    views: dict[str, Callable[[], list[Value]]] = {
        "keys": lambda: list(items),
        "values": lambda: list(items.values()),
        "items": lambda: list(items.items()),
    }
    if name in views:
        return ListValue(views[name]())
    if name == "copy":
        return DictValue(dict(items))
    if name == "setdefault" and is_key(args[0]):
        return items.setdefault(args[0], args[1] if len(args) > 1 else None)
    if name == "pop" and is_key(args[0]) and (args[0] in items or len(args) > 1):
        return items.pop(args[0], args[1] if len(args) > 1 else None)
    if name in ("pop", "popitem", "clear", "setdefault"):
        target.items = {} if name == "clear" else None
    return ANY


def subscript(container: Value, key: Value) -> Value:
    """Return `container[key]`; raise the simulated KeyError or IndexError if certain."""
    if isinstance(container, DictValue):
        if container.items is None or not is_key(key):
            return ANY
        if key not in container.items:
            raise RaisedError(ExceptionValue("KeyError", (key,)))
        return container.items[key]
    items = items_of(container) if is_ordered(container) else None
    if items is None:
        return ANY
    if isinstance(key, slice):
        part = items[key]
        return ListValue(list(part)) if isinstance(container, ListValue) else part
    if not isinstance(key, int):
        return ANY
    if not -len(items) <= key < len(items):
        kind = "tuple" if isinstance(container, tuple) else "list"
        kind = "string" if isinstance(container, str) else kind
        raise RaisedError(ExceptionValue("IndexError", (f"{kind} index out of range",)))
    return items[key]
