"""Fuzz one target: `python -m tests.fuzz.run elf -max_total_time=60 -timeout=2`.

Needs atheris, which is not among the tests' requirements: it has wheels for Linux alone.
What follows the target's name is libFuzzer's; a folder among it keeps the corpus.  An
input that ends badly is written down as `crash-…`, `timeout-…` or `oom-…`, and becomes a
fixture or a test.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["abicheck"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Run libFuzzer with the seeds of one target."""
    name, *options = sys.argv[1:] or [""]
    target = TARGETS.get(name)
    if target is None:
        sys.exit(f"usage: python -m tests.fuzz.run {{{','.join(TARGETS)}}} [libFuzzer's options]")
    if not any(Path(option).is_dir() for option in options):
        options.append(tempfile.mkdtemp(prefix=f"abicheck-fuzz-{name}-"))
    corpus = Path(next(option for option in options if Path(option).is_dir()))
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number:03}").write_bytes(seed)

    def mutate(data: bytes, largest: int, seed: int) -> bytes:
        chance = Random(seed)  # noqa: S311 - libFuzzer's own
        if chance.randrange(4):
            return target.mutate(data, chance)[:largest]
        return bytes(atheris.Mutate(data, largest))

    atheris.Setup(
        [sys.argv[0], "-max_len=65536", "-timeout=5", "-rss_limit_mb=1024", *options],
        target.run,
        custom_mutator=mutate,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
