"""Write the table of docs/targets.md: every target, what is known of it, and from where.

python tools/make_target_table.py           write the table
python tools/make_target_table.py --check   change nothing; exit 1 where the table is another

Everything in it is read from the profiles in src/abicheck/profiles/data.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from abicheck.model import Library, TargetProfile
from abicheck.profiles import list_profiles, load_profile

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "targets.md"
BEGIN: Final = "<!-- made by tools/make_target_table.py -->\n"
END: Final = "<!-- end -->\n"
HEADING: Final = (
    "| target | OS, glibc | libraries | with symbols | of these stand-ins | symbols "
    "| in doubt | facts of |\n|---|---|--:|--:|--:|--:|--:|---|\n"
)


def table() -> str:
    """Return the table, the oldest runtime first."""
    names = sorted(list_profiles(), key=_order)
    return HEADING + "".join(_row(load_profile(name)) for name in names)


def _order(name: str) -> tuple[int, str]:
    return int(name.split("-")[1].partition(".")[2]), name.replace("arm64", "~arm64")


def _row(profile: TargetProfile) -> str:
    libraries = [lib for lib in profile.libraries.values() if lib.source != "interpreter"]
    known = [library for library in libraries if library.source]
    cells = (
        f"`{profile.name}`" + (" (preliminary)" if profile.preliminary else ""),
        f"{profile.os}, {profile.glibc}",
        f"{len(libraries):,}",
        f"{len(known):,}",
        f"{sum(map(_is_stand_in, known)):,}",
        f"{sum(len(library.table.definitions) for library in known):,}",
        f"{sum(bool(library.doubtful) for library in libraries):,}",
        profile.as_of,
    )
    return f"| {' | '.join(cells)} |\n"


def _is_stand_in(library: Library) -> bool:
    return not library.table.complete


def page(text: str) -> str:
    """Return the page with the table that belongs there."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


def main() -> int:
    """Write the page, or say whether it is what it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = PAGE.read_text(encoding="utf-8")
    made = page(text)
    if arguments.check:
        if made != text:
            print(f"{PAGE}: not what the profiles say", file=sys.stderr)
        return int(made != text)
    PAGE.write_text(made, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
