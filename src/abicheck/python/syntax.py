"""Python's grammar: read by the interpreter that runs the check, whatever the target's is.

Pure.  `ast.parse` is the only thing that is ever done with an artifact's code.
"""

from __future__ import annotations

import ast
import io
import posixpath
import re
import sys
import tokenize
import warnings
from typing import Final


class RefusedError(Exception):
    """The target's compiler does not take a source: class, text and line of what it raises."""

    def __init__(self, error: SyntaxError, text: str) -> None:
        super().__init__(text)
        self.exception = type(error).__name__
        self.text = text
        self.line = error.lineno or 0


# The newest grammar of which all that is new is known here, or that this interpreter has itself.
_KNOWN: Final = max((3, 13), sys.version_info[:2])


def parse(data: bytes, path: str = "", version: tuple[int, int] | None = None) -> list[ast.stmt]:
    """Return the statements of a source, as CPython `version` reads them.

    What is newer than this interpreter, and not than the target, is worked
    around.  Raises `RefusedError` where the target's compiler certainly refuses
    the source, SyntaxError where that cannot be told, and what else `compile`
    raises for text that it cannot read.
    """
    here = sys.version_info[:2]
    older = version is not None and version < here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes are their author's business
        try:
            body = ast.parse(data, path, feature_version=version if older else None).body
        except SyntaxError as error:
            if version is not None and version <= here:
                raise RefusedError(error, _as_worded(error, path)) from error
            try:
                return _parse_newer(data, path, version)
            except SyntaxError as again:
                if version is None or version > _KNOWN:
                    raise
                raise RefusedError(again, str(again)) from again
        if version is not None and version < _NESTED <= here:
            _refuse_nested(data, path)
    return body


# What `feature_version` says of newer grammar, and what a compiler without it says.
_WORDED: Final = (
    ("without parentheses", "multiple exception types must be parenthesized"),
    ("Type parameter lists", "expected '('"),
    ("only supported in Python", "invalid syntax"),
)


def _as_worded(error: SyntaxError, path: str) -> str:
    """Return the text of an error as a compiler has it that knows nothing of newer grammar."""
    said = next((text for part, text in _WORDED if part in str(error.msg)), None)
    return str(error) if said is None else _text(said, path, error.lineno or 0)


def _text(message: str, path: str, line: int) -> str:
    """Mirror `SyntaxError_str` in `Objects/exceptions.c`."""
    return f"{message} ({posixpath.basename(path)}, line {line})"


# --- formatted strings before PEP 701 -------------------------------------------

_NESTED: Final = (3, 12)
_QUOTES: Final = re.compile("\"{3}|'{3}|[\"']")


def _refuse_nested(data: bytes, path: str) -> None:
    """Raise `RefusedError` for what only PEP 701 lets stand inside the braces of an f-string."""
    if _FORMATTED.search(data.decode("latin-1")) is None:
        return
    opened: list[str] = []
    for token in tokenize.tokenize(io.BytesIO(data).readline):
        name = tokenize.tok_name[token.type]
        if name in ("FSTRING_MIDDLE", "FSTRING_END"):
            if name == "FSTRING_END":
                opened.pop()
            continue
        if any(quote in token.string for quote in opened):
            message = "f-string: expecting '}'"
        elif opened and "\\" in token.string:
            message = "f-string expression part cannot include a backslash"
        elif opened and name == "COMMENT":
            message = "f-string expression part cannot include '#'"
        else:
            if name == "FSTRING_START":
                opened += _QUOTES.findall(token.string)[:1]
            continue
        line = token.start[0]
        raise RefusedError(SyntaxError(message, (path, line, 0, "")), _text(message, path, line))


# --- syntax newer than the running interpreter's --------------------------------

# PEP 695 (3.12), which older parsers reject and which binds nothing that matters here.
_GENERIC = re.compile(
    r"^[ \t]*(?:(?:async[ \t]+)?def|class|type)[ \t]+[^\W\d]\w*[ \t]*(?=\[)", re.MULTILINE
)
_TYPE_ALIAS = re.compile(r"^([ \t]*)type[ \t]+([^\W\d]\w*)(?=(?:[ \t]|\\\n)*=)", re.MULTILINE)
_HEAD = re.compile(r"(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)|(\w+)[ \t]*(?::[^=]*)?=(?!=)")
_FORMATTED = re.compile(r"""\b[rR]?[fF][rR]?["']""")
_TEMPLATE = re.compile(r"""\b[rR]?[fFtT][rR]?["']""")
_BRACKET = re.compile(r"[\[\]]")
_MAX_HOLES = 20


# PEP 758 (3.14).
_UNPARENTHESIZED = re.compile(
    r"^([ \t]*except\*?[ \t]+)([\w.]+(?:[ \t]*,[ \t]*[\w.]+)+)(?=[ \t]*:)", re.MULTILINE
)
_PEP_750: Final = (3, 14)
_PEP_758: Final = (3, 14)


def _parse_newer(data: bytes, path: str, version: tuple[int, int] | None) -> list[ast.stmt]:
    """Parse once more without what only newer grammars have, or raise SyntaxError.

    Type parameters are cut out.  A definition that still cannot be read and
    has a formatted string (PEP 701, PEP 750) becomes a name without a known
    value; anything else is as wrong for the target as it is here.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    try:
        text = data.decode(encoding)
    except LookupError as error:  # a codec, but none of text: no release compiles that
        raise SyntaxError(str(error), (posixpath.basename(path), 0, 0, "")) from error
    text = _TYPE_ALIAS.sub(r"\1\2", _without_type_parameters(text))
    if version is not None and version >= _PEP_758:
        text = _UNPARENTHESIZED.sub(r"\1(\2)", text)
    formatted = _FORMATTED if version is not None and version < _PEP_750 else _TEMPLATE
    for _ in range(_MAX_HOLES):
        try:
            return ast.parse(text, path).body
        except SyntaxError as error:
            smaller = _with_hole(text, error.lineno or 0, formatted)
            if smaller is None:
                raise
            text = smaller
    return ast.parse(text, path).body


def _without_type_parameters(text: str) -> str:
    """Blank the brackets behind each `def f`, `class C` and `type X`; lines stay lines."""
    ends = _brackets(text)
    parts: list[str] = []
    position = 0
    for match in _GENERIC.finditer(text):
        start = match.end()
        end = ends.get(start)
        if end is not None and start >= position:
            blank = re.sub(r"[^\n]", " ", text[start : end + 1]).replace("\n", "\\\n")
            parts += (text[position:start], blank)
            position = end + 1
    return "".join(parts) + text[position:]


def _brackets(text: str) -> dict[int, int]:
    """Return where each square bracket that is closed ends, by where it begins."""
    ends: dict[int, int] = {}
    still_open: list[int] = []
    for match in _BRACKET.finditer(text):
        if match[0] == "[":
            still_open.append(match.start())
        elif still_open:
            ends[still_open.pop()] = match.start()
    return ends


def _with_hole(text: str, line: int, formatted: re.Pattern[str]) -> str | None:
    """Replace the top-level definition around `line` by a name without a value."""
    lines = text.split("\n")
    starts = [
        number
        for number, content in enumerate(lines[:line])
        if content and not content[0].isspace() and content[0] not in "#)]}\"'"
    ]
    if not starts:
        return None
    first = starts[-1]
    head = _HEAD.match(lines[first])
    if head is None:
        return None
    last = first + 1
    while last < len(lines) and (not lines[last] or lines[last][0] in " \t)]}#"):
        last += 1
    while first and lines[first - 1].startswith("@"):
        first -= 1
    if not formatted.search("\n".join(lines[first:last])):
        return None
    name = head[1] or head[2]
    lines[first:last] = [f"{name} = __unreadable__", *[""] * (last - first - 1)]
    return "\n".join(lines)
