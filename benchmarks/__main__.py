"""Measure abicheck against `unzip -tqq`, its own floor, and the tools in use; print the tables.

    python -m benchmarks [--runs 7] [--only NAME…] [--cache FOLDER]

What is measured is downloaded by pip, as pip is configured, and kept in the folder. Each pair
of commands runs in turn in one go: what counts are ratios of whole processes, medians. Run it
from the root of the repository, on Linux, with abicheck and the requirements of the tests
installed, while the machine does nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.artifacts import HERE, Artifacts
from benchmarks.machine import describe
from benchmarks.measuring import Command, Pair, pair, times

_MIB: Final = 1 << 20
_WHEELS: Final = (  # with the largest ratio to unzip that is wanted
    ("opencv-python-headless", 0.5),
    ("pyarrow", 0.5),
    ("polars-runtime-32", 0.5),
    ("scipy", 0.7),
)
_COPIES: Final = (1, 10, 100)
_CLOSURES: Final = (1, 100, 200, 300)


class Benchmarks:
    """All pairs, by the name that `--only` takes."""

    def __init__(self, artifacts: Artifacts, runs: int) -> None:
        self._artifacts = artifacts
        self._runs = runs
        # With its bytecode at hand, as any installation has it.
        self._environment = {
            **os.environ,
            "PYTHONPYCACHEPREFIX": str(artifacts.folder / "bytecode"),
        }
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def wheels(self) -> Iterator[str]:
        """Yield the table of wheels and the function against `unzip -tqq`."""
        yield from _head("artifact", "abicheck : unzip -tqq", "wanted", "processor time")
        for name, wanted in _WHEELS:
            path = self._artifacts.wheel(name)
            yield _row(name, self._against_unzip(path), f"≤ {wanted}")
        yield _row("fastapi + boto3", self._against_unzip(self._artifacts.function()), "≤ 1.0")

    def torch(self) -> Iterator[str]:
        """Yield the row of torch's CPU wheel against the floor."""
        path = self._artifacts.wheel("torch", "aarch64")
        yield from _head("artifact", "abicheck : inflate, CRC, SHA-256", "wanted", "processor time")
        floor = self._python(str(HERE / "floor.py"), str(path))
        measured = pair(self._abicheck(path, "--architecture=arm64"), floor, self._runs)
        yield _row("torch, CPU, aarch64", measured, "≤ 1.25")

    def start(self) -> Iterator[str]:
        """Yield how long the smallest fixture takes beyond `python -c pass`."""
        passed = self._python("-c", "pass")
        yield "| command | seconds over `python -c pass` | wanted |"
        yield "|---|---|---|"
        fixture = HERE.parent / "fixtures" / "dashboard-good.zip"
        for name, command in (
            ("abicheck dashboard-good.zip", self._abicheck(fixture)),
            ("abicheck --version", self._python("-m", "abicheck", "--version")),
        ):
            measured = pair(command, passed, self._runs)
            over = [a.wall - b.wall for a, b in zip(measured.first, measured.second, strict=True)]
            yield f"| `{name}` | {median(over):.3f} | ≤ 0.25 |"

    def growth(self) -> Iterator[str]:
        """Yield what one more copy or library costs, against what the first ones cost."""
        yield from self._growth("copies of msgpack", _COPIES, self._artifacts.copies)
        yield from self._growth("libraries in a closure", _CLOSURES, self._artifacts.closure)

    def image(self) -> Iterator[str]:
        """Yield the row of an image against inflating its layers."""
        path = self._artifacts.image()
        yield from _head("artifact", "abicheck : inflating the layers", "wanted", "processor time")
        floor = self._python(str(HERE / "layers.py"), str(path))
        yield _row("image, OCI archive", pair(self._abicheck(path), floor, self._runs), "≤ 1.5")

    def tools(self) -> Iterator[str]:
        """Yield how much longer the tools in use take."""
        folder = self._artifacts.tools()
        any_status = frozenset(range(256))
        yield "| wheel | tool | times as long as abicheck | wanted |"
        yield "|---|---|---|---|"
        for tool, words, wanted, names in (
            ("auditwheel show", ("auditwheel", "show"), "≥ 10", ("scipy", "pyarrow")),
            ("elfdeps", ("elfdeps",), "≥ 1.5", ("scipy", "pyarrow", "opencv-python-headless")),
            ("abi3audit", ("abi3audit",), "≥ 3", ("opencv-python-headless", "polars-runtime-32")),
        ):
            for name in names:
                path = self._artifacts.wheel(name)
                other = Command((str(folder / words[0]), *words[1:], str(path)), any_status)
                measured = pair(self._abicheck(path), other, self._runs)
                yield f"| {name} | {tool} | {1 / measured.wall:.1f} | {wanted} |"

    def _against_unzip(self, path: Path) -> Pair:
        return pair(self._abicheck(path), Command(("unzip", "-tqq", str(path))), self._runs)

    def _growth(
        self, title: str, numbers: Sequence[int], make: Callable[[int], Path]
    ) -> Iterator[str]:
        yield f"| {title} | processor seconds | each of those added | wanted |"
        yield "|---|---|---|---|"
        ran = [median(r.cpu for r in times(self._abicheck(make(n)), self._runs)) for n in numbers]
        first = 0.0
        for place, (number, seconds) in enumerate(zip(numbers, ran, strict=True)):
            if not place:
                yield f"| {number} | {seconds:.3f} | | |"
                continue
            step = (seconds - ran[place - 1]) / (number - numbers[place - 1])
            first = first or step
            grown = f"{step * 1000:.2f} ms, {step / first:.2f} of the first"
            yield f"| {number} | {seconds:.3f} | {grown} | ≤ 1.15 |"
        yield ""

    def _abicheck(self, path: Path, *options: str) -> Command:
        words = (sys.executable, "-m", "abicheck", *options, str(path))
        return Command(words, frozenset({0, 1}), self._environment)

    def _python(self, *words: str) -> Command:
        return Command((sys.executable, *words), environment=self._environment)


def _head(artifact: str, ratio: str, wanted: str, cpu: str) -> Iterator[str]:
    yield f"| {artifact} | {ratio} | {wanted} | {cpu} | largest process, sum |"
    yield "|---|---|---|---|---|"


def _row(name: str, measured: Pair, wanted: str) -> str:
    peak = max(run.peak for run in measured.first) // _MIB
    memory = f"{peak} MiB, {measured.sum // _MIB} MiB"
    return f"| {name} | {measured.wall:.2f} | {wanted} | {measured.cpu:.2f} | {memory} |"


def main() -> None:
    """Print the tables that were asked for."""
    names = ("wheels", "torch", "start", "growth", "image", "tools")
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="of each command  [default: 7]")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "abicheck-bench"),
        help="the folder of what was downloaded and made  [default: %(default)s]",
    )
    options = parser.parse_args()
    benchmarks = Benchmarks(Artifacts(options.cache), options.runs)
    print(describe(), flush=True)
    tables = {
        "wheels": benchmarks.wheels,
        "torch": benchmarks.torch,
        "start": benchmarks.start,
        "growth": benchmarks.growth,
        "image": benchmarks.image,
        "tools": benchmarks.tools,
    }
    for name in options.only:
        print()
        for line in tables[name]():
            print(line, flush=True)


if __name__ == "__main__":
    main()
