"""Python's grammar: read by the interpreter that runs the check, whatever the target's is.

Pure.  `ast.parse` is the only thing that is ever done with an artifact's code.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings


def parse(data: bytes) -> list[ast.stmt]:
    """Return the statements of a source; what is newer than this interpreter is worked around.

    Raises SyntaxError, and what else `compile` raises for text that it cannot read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes are their author's business
        try:
            return ast.parse(data).body
        except SyntaxError:
            return _parse_newer(data)


# PEP 695 (3.12), which older parsers reject and which binds nothing that matters here.
_GENERIC = re.compile(
    r"^[ \t]*(?:(?:async[ \t]+)?def|class|type)[ \t]+[^\W\d]\w*[ \t]*(?=\[)", re.MULTILINE
)
_TYPE_ALIAS = re.compile(r"^([ \t]*)type[ \t]+([^\W\d]\w*)(?=(?:[ \t]|\\\n)*=)", re.MULTILINE)
_HEAD = re.compile(r"(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)|(\w+)[ \t]*(?::[^=]*)?=(?!=)")
_FORMATTED = re.compile(r"""\b[rR]?[fFtT][rR]?["']""")
_BRACKET = re.compile(r"[\[\]]")
_MAX_HOLES = 20


def _parse_newer(data: bytes) -> list[ast.stmt]:
    """Parse once more without what only newer grammars have, or raise SyntaxError.

    Type parameters are cut out.  A definition that still cannot be read and
    has a formatted string (PEP 701, PEP 750) becomes a name without a known
    value; anything else is as wrong for the target as it is here.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    text = data.decode(encoding)
    text = _TYPE_ALIAS.sub(r"\1\2", _without_type_parameters(text))
    for _ in range(_MAX_HOLES):
        try:
            return ast.parse(text).body
        except SyntaxError as error:
            smaller = _with_hole(text, error.lineno or 0)
            if smaller is None:
                raise
            text = smaller
    return ast.parse(text).body


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


def _with_hole(text: str, line: int) -> str | None:
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
    if not _FORMATTED.search("\n".join(lines[first:last])):
        return None
    name = head[1] or head[2]
    lines[first:last] = [f"{name} = __unreadable__", *[""] * (last - first - 1)]
    return "\n".join(lines)
