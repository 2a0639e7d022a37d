"""Every threat, and the table of SECURITY.md: `python -m tests.threats.table` writes it anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.threats import hosts, images, metadata, objects, requests, sources, words, zips

if TYPE_CHECKING:
    from tests.threats.threat import Threat

DOCUMENT: Final = Path(__file__).parents[2] / "SECURITY.md"
FAMILIES: Final[Mapping[str, Sequence[Threat]]] = {
    "ZIPs and wheels": tuple(zips.THREATS),
    "Tars and container images": tuple(images.THREATS),
    "ELF objects": tuple(objects.THREATS),
    "Python": tuple(sources.THREATS),
    "Metadata": tuple(metadata.THREATS),
    "Text that would be a command": tuple(words.THREATS),
    "Folders and files of the checking machine": tuple(hosts.THREATS),
    "What a request brings": tuple(requests.THREATS),
}
THREATS: Final = tuple(threat for family in FAMILIES.values() for threat in family)
_BEGIN: Final = "<!-- threats: written by tests/threats/table.py -->\n"
_END: Final = "<!-- end of threats -->\n"


def table() -> str:
    """Return the tables, one a family."""
    parts = []
    for family, threats in FAMILIES.items():
        rows = [f"| `{each.name}` | {each.summary} | {each.outcome} |\n" for each in threats]
        parts.append(f"### {family}\n\n| input | what it tries | outcome |\n|---|---|---|\n")
        parts.append("".join(rows) + "\n")
    return "\n" + "".join(parts)


def documented() -> str:
    """Return what SECURITY.md has between its marks."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return text.partition(_BEGIN)[2].partition(_END)[0]


def main() -> None:
    """Write the tables into SECURITY.md."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    DOCUMENT.write_text(f"{before}{_BEGIN}{table()}{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
