"""Requirements files as pip reads them (pip's `_internal/req/req_file.py` and its manual)."""

from __future__ import annotations

import codecs
import optparse
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final, NoReturn

from abicheck.errors import UsageError
from abicheck.model import Pin, Site
from abicheck.pins._requirement import read_requirement

_LARGEST: Final = 32 << 20  # bytes; a thousand distributions with all their hashes have two

_COMMENT: Final = re.compile(r"(^|\s+)#.*$")
_VARIABLE: Final = re.compile(r"\$\{([A-Z0-9_]+)\}")
_REMOTE: Final = re.compile(r"^(http|https|file):", re.IGNORECASE)
_CODING: Final = re.compile(rb"coding[:=]\s*([-\w.]+)")  # PEP 263
# Those of UTF-32 first: that of UTF-16 is how one of them begins.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What pip takes in a requirements file, and what it does with the next word.
_VALUES: Final[tuple[tuple[str, ...], ...]] = (
    ("-r", "--requirement"),
    ("-c", "--constraint"),
    ("-e", "--editable"),
    ("--hash",),
    ("-i", "--index-url", "--pypi-url"),
    ("--extra-index-url",),
    ("-f", "--find-links"),
    ("--no-binary",),
    ("--only-binary",),
    ("--trusted-host",),
    ("--use-feature",),
    ("--uploaded-prior-to",),
    ("--all-releases",),
    ("--only-final",),
    ("--global-option",),
    ("-C", "--config-settings", "--config-setting"),
)
_FLAGS: Final = ("--no-index", "--prefer-binary", "--require-hashes", "--pre")

Line = tuple[int, str]


def read_requirements(path: Path, environ: Mapping[str, str]) -> tuple[Pin, ...]:
    """Return the requirements of a file and of those that it includes, in order.

    Raises `UsageError` where pip would not take a line, where a file cannot be
    read, and where one is to be downloaded.
    """
    return tuple(_read(path, environ, (), constraint=False))


def _read(
    path: Path, environ: Mapping[str, str], above: tuple[Path, ...], *, constraint: bool
) -> Iterator[Pin]:
    if path in above:
        reason = f"{path}: includes itself, by way of {above[-1]}"
        raise UsageError(reason)
    for number, line in _logical_lines(_decode(path), environ):
        place = f"{path}:{number}"
        words, options = _split(line, place)
        site = Site(PurePosixPath(path.as_posix()), number)
        text = words or next(iter(options.editable), "")
        if text:
            base = path.parent
            pin = read_requirement(text, site, base, editable=not words)
            hashes = frozenset(_hash(text, place) for text in options.hash)
            yield replace(pin, hashes=pin.hashes | hashes, constraint=constraint)
        elif options.requirement or options.constraint:
            # One of them, as pip does, whatever else stands in the line.
            is_constraint = not options.requirement
            named = (options.requirement or options.constraint)[0]
            if _REMOTE.match(named):
                reason = f"{place}: {named} is not fetched; save it beside this file"
                raise UsageError(reason)
            inner = Path(os.path.normpath(path.parent / named))
            yield from _read(inner, environ, (*above, path), constraint=is_constraint)


# --- from bytes to logical lines ---


def _decode(path: Path) -> str:
    """Return the text of a file: by its byte order mark, its coding comment, else UTF-8."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:  # a zero byte in its name
        reason = f"{path}: {getattr(error, 'strerror', None) or error}"
        raise UsageError(reason) from error
    if len(data) > _LARGEST:
        reason = f"{path}: more than {_LARGEST:,} bytes: not a requirements file"
        raise UsageError(reason)
    encoding = "utf-8"
    for mark, name in _MARKS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], name
            break
    else:
        for line in data.split(b"\n")[:2]:
            found = _CODING.search(line) if line.startswith(b"#") else None
            if found is not None:
                encoding = found.group(1).decode("ascii", "replace")
                break
    try:
        return data.decode(encoding)
    except (LookupError, ValueError) as error:
        reason = f"{path}: {error}; name its encoding in the first line, `# coding: NAME`"
        raise UsageError(reason) from error


def _logical_lines(text: str, environ: Mapping[str, str]) -> Iterator[Line]:
    """Yield what is not empty: lines joined, comments gone, variables replaced."""
    for number, line in _joined(enumerate(text.splitlines(), start=1)):
        bare = _COMMENT.sub("", line).strip()
        if bare:
            # A variable that is not set, or empty, stays as it is.
            yield number, _VARIABLE.sub(lambda m: environ.get(m[1]) or m[0], bare)


def _joined(lines: Iterable[Line]) -> Iterator[Line]:
    """Join a line that ends in a backslash with the next; a comment ends what is joined."""
    first, parts = 0, list[str]()
    for number, line in lines:
        comment = _COMMENT.match(line)
        first = first if parts else number
        if line.endswith("\\") and not comment:
            parts.append(line.strip("\\"))
            continue
        # The blank keeps what was joined apart from the number sign.
        yield first, "".join((*parts, " " if comment else "", line))
        parts = []
    if parts:
        yield first, "".join(parts)


# --- options ---


class _Options(optparse.OptionParser):
    """The options of a line, with pip's own parser: abbreviated, joined or apart."""

    def __init__(self) -> None:
        super().__init__(add_help_option=False)
        for names in _VALUES:
            dest = next(name for name in names if name.startswith("--"))
            self.add_option(*names, dest=dest.strip("-"), action="append", default=[])
        for name in _FLAGS:
            self.add_option(name, action="store_true")

    def error(self, msg: str) -> NoReturn:
        raise _OptionError(msg)


class _OptionError(ValueError):
    """pip would not take the options of a line."""


def _split(line: str, place: str) -> tuple[str, optparse.Values]:
    """Part a requirement from the options behind it; markers must not be read by a shell."""
    tokens = line.split(" ")
    end = next((i for i, token in enumerate(tokens) if token.startswith("-")), len(tokens))
    try:
        options, _ = _Options().parse_args(shlex.split(" ".join(tokens[end:])))
    except ValueError as error:
        reason = f"{place}: {error}"
        raise UsageError(reason) from error
    return " ".join(tokens[:end]).strip(), options


def _hash(text: str, place: str) -> str:
    """Return a hash as `sha256:…`; pip takes three algorithms."""
    algorithm, colon, digest = text.partition(":")
    if not colon or algorithm not in {"sha256", "sha384", "sha512"}:
        reason = f"{place}: --hash {text}: expected sha256:…, sha384:… or sha512:…"
        raise UsageError(reason)
    return f"{algorithm}:{digest.lower()}"
