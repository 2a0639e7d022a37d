"""What distributions require, held against what is installed (PEP 440, PEP 508).

What `pip check` says of an environment, for one that is not here: the markers
are evaluated for the target, and what its runtime brings along counts as
installed.  Beyond `pip check`, extras that one distribution asks of another
are followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from abicheck.model import Distribution, Interpreter, TargetProfile, Unmet
from abicheck.python.distributions import canonical
from abicheck.python.markers import environments, requirements_of, shipped

if TYPE_CHECKING:
    from packaging.requirements import Requirement

# Under what name a distribution is imported, where that is not its own.
_MODULES: Final[Mapping[str, str]] = {
    "attrs": "attr",
    "beautifulsoup4": "bs4",
    "faiss-cpu": "faiss",
    "gitpython": "git",
    "grpcio": "grpc",
    "mysqlclient": "MySQLdb",
    "opencv-contrib-python": "cv2",
    "opencv-python": "cv2",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "protobuf": "google",
    "psycopg2-binary": "psycopg2",
    "pycryptodome": "Crypto",
    "pycryptodomex": "Cryptodome",
    "pyjwt": "jwt",
    "pynacl": "nacl",
    "pyopenssl": "OpenSSL",
    "pysocks": "socks",
    "python-dateutil": "dateutil",
    "python-dotenv": "dotenv",
    "pyyaml": "yaml",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
}


def import_name(name: str) -> str:
    """Return the top-level module that a distribution is expected to bring."""
    plain = canonical(name)
    return _MODULES.get(plain, plain.replace("-", "_"))


def find_unmet(distributions: Iterable[Distribution], profile: TargetProfile) -> tuple[Unmet, ...]:
    """Return the requirements that are not met, in the order of the distributions.

    A requirement whose marker depends on the patch release of the target's
    Python counts where all of them have it.
    """
    found = tuple(distributions)
    installed: dict[str, Distribution] = {}
    for distribution in found:
        installed.setdefault(canonical(distribution.name), distribution)
    target = environments(profile)
    asked = {(name, "") for name in installed}
    todo = sorted(asked)
    unmet: dict[tuple[str, str], Unmet] = {}
    while todo:
        name, extra = todo.pop(0)
        owner = installed[name]
        for requirement in requirements_of(owner, extra, target):
            other = canonical(requirement.name)
            there = installed.get(other)
            text = f"{requirement.name}{requirement.specifier}"
            if _is_missing(requirement, there, profile.interpreter):
                unmet.setdefault((name, text), Unmet(owner, text, other, there, extra))
            for more in sorted({(other, canonical(each)) for each in requirement.extras} - asked):
                if there is not None:
                    asked.add(more)
                    todo.append(more)
    order = {canonical(distribution.name): index for index, distribution in enumerate(found)}
    return tuple(unmet[key] for key in sorted(unmet, key=lambda key: (order[key[0]], key[1])))


def _is_missing(
    requirement: Requirement, there: Distribution | None, interpreter: Interpreter
) -> bool:
    if there is None:
        return not shipped(requirement.name, interpreter)
    try:
        # As pip: what is installed is installed, be it a pre-release.
        return not requirement.specifier.contains(Version(there.version), prereleases=True)
    except InvalidVersion:
        return False


def supports(distribution: Distribution, interpreter: Interpreter) -> bool:
    """Whether Requires-Python admits some patch release of the target's Python."""
    if distribution.requires_python is None:
        return True
    try:
        accepted = SpecifierSet(distribution.requires_python)
    except InvalidSpecifier:
        return True
    first, last = f"{interpreter.dotted}.0", f"{interpreter.dotted}.99"
    return any(accepted.contains(each, prereleases=True) for each in (first, last))
