"""Capture Lambda's base images again, and print where the built-in targets say otherwise.

python tools/recapture.py                        every runtime, both machines
python tools/recapture.py python3.13 python3.14  these only
python tools/recapture.py --keep FOLDER          keep the captured profiles

Needs a container engine that can pull public images.  Nothing in the repository is changed:
what the image has and the profile lacks, or the other way round, is for a person to weigh,
since the managed runtime is another file system.  Exits 1 where anything is different.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from abicheck.cli.targets import comparison_text
from abicheck.profiles import compare, list_profiles, load_profile


def recapture(name: str, folder: Path) -> bool:
    """Capture the image that a target is known from; return whether it is as the target says."""
    known = load_profile(name)
    platform = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}[known.architecture]
    subprocess.run(["docker", "pull", "--quiet", f"--platform={platform}", known.image], check=True)
    file = folder / f"{name}.json"
    capture = [sys.executable, "-m", "abicheck", "capture", f"docker:{known.image}"]
    subprocess.run([*capture, "--output", str(file), "--name", name], check=True)
    found = compare(known, load_profile(str(file)))
    print(f"{name}:\n{comparison_text(found)}")
    return not found.differs


def main(arguments: Sequence[str] | None = None) -> int:
    """Capture the images asked for and print what is different."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runtimes", nargs="*", metavar="RUNTIME")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    options = parser.parse_args(arguments)
    names = [
        name
        for name in list_profiles()
        if name.endswith("-image")
        and (not options.runtimes or name.split("-")[1] in options.runtimes)
    ]
    if not names:
        parser.error("no target of these runtimes")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        same = [recapture(name, folder) for name in names]
    return int(not all(same))


if __name__ == "__main__":
    sys.exit(main())
