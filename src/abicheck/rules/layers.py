"""ABI62x: a function's layers, and whether what is in them is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Case, Fault, Irregular, Location, MissedImport, Severity, StrayFolder
from abicheck.rules._rule import rule

_MOST: Final = 5  # Lambda's quota for the layers of a function
_SHOWN: Final = 5


@rule(
    "ABI621",
    Severity.ERROR,
    "a layer built for another Python",
    explanation="Of a layer the runtime searches python/ and python/lib/python3.X/site-packages, "
    "3.X being its own version.  Modules in the folder of another one are not found at all.",
    messages=("No module named '*'", "Unable to import module '*': No module named '*'"),
    causes=(
        "the function was moved to a newer runtime, and its layer was not",
        "the layer was built with the Python of the build machine",
    ),
    fixes=(
        "build the layer again for the runtime's version",
        "keep packages without compiled code in python/ itself, which every version searches",
    ),
)
def layer_for_another_python(case: Case) -> Iterator[Fault]:
    """What a layer holds is in a folder that the runtime's own Python searches."""
    python = case.profile.interpreter.dotted
    for stray in case.inventory.strays:
        if stray.version:
            yield from _fault(
                case,
                stray,
                f"a folder of Python {stray.version}, which {python} does not search",
                why=f"{python} searches python/lib/python{python}/site-packages and python/",
                fix=_build_again(case),
            )


@rule(
    "ABI622",
    Severity.ERROR,
    "modules of a layer lie where nothing is searched",
    explanation="A layer is unpacked in /opt.  Of its folders Python searches python/ and "
    "python/lib/python3.X/site-packages, the loader lib/, and the shell bin/; what lies beside "
    "them, or one folder too deep, is not found.",
    messages=("No module named '*'", "Unable to import module '*': No module named '*'"),
    causes=(
        "the packages were zipped without a folder python/ around them",
        "the folder around python/ was zipped, and not its content",
    ),
    fixes=("zip the folder that python/ lies in, from inside it: zip -r ../layer.zip python",),
)
def layer_not_searched(case: Case) -> Iterator[Fault]:
    """The modules of a layer lie in python/."""
    for stray in case.inventory.strays:
        if not stray.version and not _taken_off(case, stray):
            yield from _fault(
                case,
                stray,
                "no import finds the modules in this folder of the layer",
                why="of a layer, Python searches python/ and "
                f"python/lib/python{case.profile.interpreter.dotted}/site-packages",
                fix="pip install --upgrade --target python REQUIREMENTS && zip -r layer.zip python",
            )


@rule(
    "ABI623",
    Severity.ERROR,
    "PYTHONPATH takes the layers off sys.path",
    explanation="Where a function sets PYTHONPATH, to whatever value, Lambda's bootstrap does not "
    "put the layers' folders on sys.path, and does not read their .pth files.",
    messages=("No module named '*'", "Unable to import module '*': No module named '*'"),
    causes=("PYTHONPATH was set to add a folder of the function's own",),
    fixes=(
        "name /opt/python in PYTHONPATH as well",
        "leave PYTHONPATH out, and add the folder in the code, or with a .pth file",
    ),
)
def pythonpath_without_layers(case: Case) -> Iterator[Fault]:
    """A function that sets PYTHONPATH names its layers' folders there."""
    for stray in case.inventory.strays:
        if _taken_off(case, stray):
            folder = f"/opt/{stray.location.path}"
            given = case.environment["PYTHONPATH"]
            yield from _fault(
                case,
                stray,
                f"the function sets PYTHONPATH, so {folder} is not on sys.path",
                why=f"PYTHONPATH={given}; only without one does the bootstrap add the layers",
                fix=f"PYTHONPATH={folder}:{given}" if given else f"PYTHONPATH={folder}",
            )


@rule(
    "ABI624",
    Severity.ERROR,
    "more layers than Lambda takes",
    explanation="A function may have five layers, those of extensions included.",
    causes=("layers of tools were added to the function's own",),
    fixes=("put the packages of several layers into one",),
)
def too_many_layers(case: Case) -> Iterator[Fault]:
    """A function has at most five layers."""
    layers = case.inventory.layers
    if len(layers) > _MOST and case.profile.package == "zip":
        yield Fault(
            Location(PurePosixPath()),
            f"has {len(layers)} layers; Lambda takes {_MOST}",
            subject="layers",
            evidence=tuple(layer.name for layer in layers),
        )


@rule(
    "ABI625",
    Severity.WARNING,
    "a file in one layer, a folder in another",
    explanation="Layers are laid over one another in /opt, file by file.  Where one has a file and "
    "another a folder of the same name, one of them is lost.",
    causes=("layers that hold different versions of one distribution",),
    fixes=("build the layers that belong together as one",),
)
def layers_clash(case: Case) -> Iterator[Fault]:
    """What is a folder in one layer is no file in another."""
    for irregularity in case.inventory.irregularities:
        if irregularity.kind is Irregular.LAYER_CLASH:
            yield Fault(
                irregularity.location, irregularity.detail, subject=irregularity.kind.name.lower()
            )


def _build_again(case: Case) -> str:
    python = case.profile.interpreter.dotted
    platforms = " ".join(f"--platform {tag}" for tag in case.profile.wheel_platforms[:1])
    return (
        f"pip install --upgrade --only-binary=:all: --python-version {python} {platforms} \\\n"
        f"  --target python/lib/python{python}/site-packages REQUIREMENTS"
    )


def _taken_off(case: Case, stray: StrayFolder) -> bool:
    return stray.usual and "PYTHONPATH" in case.environment


def _fault(case: Case, stray: StrayFolder, message: str, *, why: str, fix: str) -> Iterator[Fault]:
    """Yield the fault of a stray folder, as severe as the imports that miss what is in it.

    Where none does, a layer that is of no use at all is a warning, and the rest nothing:
    layers are often made for several runtimes at once.
    """
    missed = max(
        (each for each in case.missed if each.stray == stray),
        key=lambda each: each.severity,
        default=None,
    )
    if missed is None and not stray.whole:
        return
    more = f" and {len(stray.names) - _SHOWN} more" if len(stray.names) > _SHOWN else ""
    held = f"it holds {', '.join(stray.names[:_SHOWN])}{more}"
    severity = _severity(case, missed)
    prediction = missed.prediction if missed is not None else None
    reasons = [why, held, missed.reason if missed is not None else ""]
    if missed is None and not case.inventory.is_layer:
        reasons.append("no import in sight needs it")
    yield Fault(
        stray.location,
        message,
        subject=stray.version or "stray",
        why="; ".join(filter(None, reasons)),
        evidence=stray.names,
        fix=fix,
        module=prediction.module if prediction is not None else None,
        failure=prediction.failure if prediction is not None else None,
        via=prediction.via if prediction is not None else (),
        severity=None if severity is Severity.ERROR else severity,
    )


def _severity(case: Case, missed: MissedImport | None) -> Severity:
    if missed is not None:
        return missed.severity
    # By itself, a layer is there for what it holds.
    return Severity.ERROR if case.inventory.is_layer else Severity.WARNING


RULES: Final = (
    layer_for_another_python,
    layer_not_searched,
    pythonpath_without_layers,
    too_many_layers,
    layers_clash,
)
