"""What Python's own functions give that neither import nor call anything.

Only what decides imports and the names of libraries is here: paths, strings,
platform questions.  Everything else gives `ANY`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from abicheck.python._simulated import paths
from abicheck.python._simulated.questions import (
    MAX_ITEMS,
    is_ordered,
    items_of,
    text_of,
    truth,
)
from abicheck.python._simulated.values import (
    ANY,
    THING,
    DictValue,
    ListValue,
    PathValue,
    Suppress,
    Value,
)
from abicheck.python._simulated.world import World

_POINTER_SIZE: Final = 8
_MAX_DIGITS: Final = 20

# Known to give an object, which is true as long as its class does not say otherwise.
_THINGS: Final = frozenset(
    ("logging.getLogger", "re.compile", "threading.Lock", "threading.RLock", "threading.local")
)


def call(name: str, args: Sequence[Value], kwargs: Mapping[str, Value], world: World) -> Value:
    """Return what calling one of Python's own functions gives; `ANY` where unknown."""
    function = _FUNCTIONS.get(name)
    if function is None:
        return THING if name in _THINGS else ANY
    if kwargs and name not in _TAKES_KEYWORDS:
        return ANY
    try:
        return function(world, *args, **kwargs)
    except (TypeError, ValueError, IndexError, AttributeError):
        return ANY  # called in a way that is not followed here


def _str(_world: World, value: Value = "") -> Value:
    text = text_of(value)
    return ANY if text is None else text


def _list(_world: World, value: Value = ()) -> Value:
    items = items_of(value)
    return ListValue(None if items is None else list(items), is_ordered(value))


def _set(_world: World, value: Value = ()) -> Value:
    items = items_of(value)
    return ListValue(None if items is None else list(items), ordered=False)


def _tuple(_world: World, value: Value = ()) -> Value:
    items = items_of(value)
    return ANY if items is None or not is_ordered(value) else tuple(items)


def _dict(_world: World, value: Value = None, **kwargs: Value) -> Value:
    items: dict[Value, Value] | None = {} if value is None else None
    if isinstance(value, DictValue) and value.items is not None:
        items = dict(value.items)
    if items is not None:
        items.update(kwargs.items())
    return DictValue(items)


def _sorted(_world: World, value: Value, **kwargs: Value) -> Value:
    items = items_of(value)
    if items is None:
        return ListValue(None)
    texts = [item for item in items if isinstance(item, str)]
    if kwargs or len(texts) < len(items):
        return ListValue(list(items), ordered=False)
    return ListValue([*sorted(texts)])


def _reversed(_world: World, value: Value) -> Value:
    items = items_of(value)
    return ListValue(None if items is None else list(items)[::-1], is_ordered(value))


def _enumerate(_world: World, value: Value, start: Value = 0) -> Value:
    items = items_of(value)
    if items is None or not is_ordered(value) or not isinstance(start, int):
        return ANY
    return tuple(enumerate(items, start))


def _zip(_world: World, *values: Value, **_kwargs: Value) -> Value:
    columns = [items_of(value) for value in values if is_ordered(value)]
    known = [column for column in columns if column is not None]
    return tuple(zip(*known, strict=False)) if len(known) == len(values) else ANY


def _range(_world: World, *values: Value) -> Value:
    numbers = [value for value in values if isinstance(value, int)]
    if len(numbers) < len(values):
        return ANY
    whole = range(*numbers)
    return tuple(whole) if len(whole) <= MAX_ITEMS else ANY


def _len(_world: World, value: Value) -> Value:
    items = items_of(value)
    return ANY if items is None else len(items)


def _int(_world: World, value: Value = 0) -> Value:
    if isinstance(value, str) and len(value) > _MAX_DIGITS:
        return ANY
    return int(value) if isinstance(value, str | int | float) else ANY


def _bool(_world: World, value: Value = 0) -> Value:
    answer = truth(value)
    return ANY if answer is None else answer


def _any(_world: World, value: Value) -> Value:
    items = items_of(value)
    answers = [None] if items is None else [truth(item) for item in items]
    return True if True in answers else ANY if None in answers else False


def _all(_world: World, value: Value) -> Value:
    items = items_of(value)
    answers = [None] if items is None else [truth(item) for item in items]
    return False if False in answers else ANY if None in answers else True


def _copy(world: World, value: Value, *_rest: Value) -> Value:
    if isinstance(value, ListValue):
        return _list(world, value)
    return _dict(world, value) if isinstance(value, DictValue) else value


def _config_var(world: World, value: Value) -> Value:
    suffix = world.interpreter.suffixes[0]
    known: dict[str, Value] = {
        "EXT_SUFFIX": suffix,
        "SOABI": suffix.removesuffix(".so").lstrip("."),
        "Py_DEBUG": 0,
        "Py_GIL_DISABLED": 0,
    }
    return known.get(value, ANY) if isinstance(value, str) else ANY


def _absolute(world: World, value: Value) -> Value:
    return paths.changed(world.absolute, value)


def _real(world: World, value: Value) -> Value:
    return paths.changed(lambda path: paths.real(world, path), value)


def _join(_world: World, *parts: Value) -> Value:
    return paths.joined(parts)


def _path_object(_world: World, *parts: Value) -> Value:
    return paths.path_object(parts)


def _divide(_world: World, left: Value, right: Value) -> Value:
    """`Path / name`, from either side."""
    known = isinstance(left, PathValue) or isinstance(right, PathValue)
    return paths.path_object((left, right)) if known else ANY


_FUNCTIONS: Final[dict[str, Callable[..., Value]]] = {
    "builtins.all": _all,
    "builtins.any": _any,
    "builtins.bool": _bool,
    "builtins.dict": _dict,
    "builtins.enumerate": _enumerate,
    "builtins.frozenset": _set,
    "builtins.int": _int,
    "builtins.len": _len,
    "builtins.list": _list,
    "builtins.print": lambda _world, *_args, **_kwargs: None,
    "builtins.range": _range,
    "builtins.reversed": _reversed,
    "builtins.set": _set,
    "builtins.sorted": _sorted,
    "builtins.str": _str,
    "builtins.tuple": _tuple,
    "builtins.zip": _zip,
    "contextlib.suppress": lambda _world, *classes: Suppress(classes),
    "copy.copy": _copy,
    "glob.glob": paths.matching,
    "operator.truediv": _divide,
    "os.fsdecode": _str,
    "os.fspath": _str,
    "os.getcwd": lambda world: world.root,
    "os.listdir": lambda world, path=".": paths.listing(world, path),
    "os.path.abspath": _absolute,
    "os.path.basename": lambda _world, path: paths.changed(posixpath.basename, path),
    "os.path.dirname": lambda _world, path: paths.changed(posixpath.dirname, path),
    "os.path.exists": paths.exists,
    "os.path.expanduser": lambda _world, path: path,
    "os.path.isdir": paths.is_folder,
    "os.path.isfile": paths.is_file,
    "os.path.join": _join,
    "os.path.normpath": lambda _world, path: paths.changed(posixpath.normpath, path),
    "os.path.realpath": _real,
    "os.path.split": lambda _world, path: paths.split(posixpath.split, path),
    "os.path.splitext": lambda _world, path: paths.split(posixpath.splitext, path),
    "pathlib.Path": _path_object,
    "pathlib.PosixPath": _path_object,
    "pathlib.PurePath": _path_object,
    "pathlib.PurePosixPath": _path_object,
    "platform.architecture": lambda _world, *_args: ("64bit", "ELF"),
    "platform.machine": lambda world: world.machine,
    "platform.python_implementation": lambda _world: "CPython",
    "platform.python_version_tuple": lambda world: (*map(str, world.interpreter.version), ANY),
    "platform.system": lambda _world: "Linux",
    "struct.calcsize": lambda _world, text: _POINTER_SIZE if text == "P" else ANY,
    "sys.getfilesystemencoding": lambda _world: "utf-8",
    "sysconfig.get_config_var": _config_var,
}

_TAKES_KEYWORDS: Final = frozenset(
    ("builtins.dict", "builtins.enumerate", "builtins.print", "builtins.sorted", "builtins.zip")
)
