"""What the site shows of the files beside docs/: a hook of MkDocs.

In the repository a page of docs/ links to README.md or to a fixture by
`../README.md`, which leads out of the folder that MkDocs reads.  Each file that
is linked so is put into the site under repository/, and the link with it.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

_LINK: Final = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")
_INSIDE: Final = "repository"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what the pages link to, and what that links to, of the rest of the repository."""
    docs = Path(config.docs_dir)
    top = docs.parent
    seen: set[str] = set()
    waiting = [f"docs/{file.src_uri}" for file in files.documentation_pages()]
    while waiting:
        page = waiting.pop()
        for target in _LINK.findall((top / page).read_text(encoding="utf-8")):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
            if path in seen or path.startswith("docs/") or not (top / path).is_file():
                continue  # what is not there is left for MkDocs to complain of
            seen.add(path)
            content = (top / path).read_bytes()
            files.append(File.generated(config, f"{_INSIDE}/{path}", content=content))
            if path.endswith(".md"):
                waiting.append(path)
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead the links that leave docs/ to the copies."""
    del config, files
    here = page.file.src_uri
    inside = here.startswith(f"{_INSIDE}/")
    source = here.removeprefix(f"{_INSIDE}/") if inside else f"docs/{here}"

    def lead(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[1]))
        uri = path.removeprefix("docs/") if path.startswith("docs/") else f"{_INSIDE}/{path}"
        return posixpath.relpath(uri, posixpath.dirname(here) or ".")

    return _LINK.sub(lead, markdown)
