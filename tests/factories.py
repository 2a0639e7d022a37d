"""Values in one line: objects, libraries, targets and cases that no file ever held.

Notations are the field's own: `memcpy@GLIBC_2.14` is a reference, or a hidden
definition; `memcpy@@GLIBC_2.14` a default definition; `libc.so.6(GLIBC_2.34)` a
version need.  Paths of an artifact are relative, and lie below /var/task.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from abicheck.filesystem import Entry, Kind, Tree
from abicheck.loader import Loader
from abicheck.model import (
    ArtifactKind,
    Bytecode,
    Case,
    Compression,
    Counts,
    Distribution,
    ElfFacts,
    ElfHeader,
    EntryPoint,
    ExtensionModule,
    Failure,
    Fault,
    Finding,
    Foreign,
    ForeignFile,
    FoundBy,
    FunctionLayer,
    ImageConfig,
    ImageFacts,
    ImageLayer,
    Interpreter,
    Inventory,
    Irregular,
    Irregularity,
    Library,
    LinkMap,
    Location,
    MissingModule,
    ObjectKind,
    ObjectReport,
    PackageReport,
    Platform,
    Prediction,
    Report,
    Root,
    RuleInfo,
    RuntimeOutcome,
    Segment,
    Severity,
    Sibling,
    Site,
    SmokeImport,
    SmokeRun,
    Suppressed,
    Suppressor,
    SymbolDef,
    SymbolRef,
    SymbolTable,
    TargetProfile,
    Verdict,
    VersionNeed,
)
from abicheck.rules import ALL_RULES, run_rules

TASK: Final = "/var/task"
ENOENT: Final = "cannot open shared object file: No such file or directory"
PT_LOAD: Final = 1
_FIRST_NODE = 2  # DT_VERSYM: 0 and 1 are local and global


def location(path: str) -> Location:
    return Location(PurePosixPath(path))


# --- symbols ---


def ref(text: str, soname: str | None = None, *, weak: bool = False) -> SymbolRef:
    """`memcpy@GLIBC_2.14`, expected of `soname`."""
    name, _, version = text.partition("@")
    return SymbolRef(name, version or None, soname, weak=weak)


def need(text: str, *, weak: bool = False) -> VersionNeed:
    """`libc.so.6(GLIBC_2.34)`."""
    soname, _, version = text.rstrip(")").partition("(")
    return VersionNeed(soname, version, weak)


def table(
    *definitions: str,
    nodes: Sequence[str] = (),
    versioned: bool | None = None,
    complete: bool = True,
) -> SymbolTable:
    """What a library offers: `f`, `f@@V_1` (default) or `f@V_1` (hidden).

    Nodes are numbered from 2 on, those of `nodes` first and then in the order
    in which definitions name them.
    """
    indices = {node: index for index, node in enumerate(nodes, _FIRST_NODE)}
    found: dict[str, tuple[SymbolDef, ...]] = {}
    for text in definitions:
        name, at, version = text.partition("@")
        hidden = bool(at) and not version.startswith("@")
        version = version.removeprefix("@")
        definition = SymbolDef()
        if version:
            index = indices.setdefault(version, len(indices) + _FIRST_NODE)
            definition = SymbolDef(version, hidden, index)
        found[name] = (*found.get(name, ()), definition)
    versions = tuple(indices) or None
    return SymbolTable(
        lambda: found,
        versions=versions,
        versioned=versions is not None if versioned is None else versioned,
        complete=complete,
    )


# --- objects ---

HEADER: Final = ElfHeader(
    ei_class=2,
    ei_data=1,
    ei_version=1,
    osabi=0,
    abiversion=0,
    padding=bytes(7),
    type=3,
    machine=62,
    version=1,
    phoff=64,
    phentsize=56,
    phnum=4,
)


def a_segment(*, align: int = 0x1000, vaddr: int = 0, offset: int = 0) -> Segment:
    """A PT_LOAD of 0x800 bytes."""
    return Segment(PT_LOAD, 5, offset, vaddr, 0x800, 0x800, align)


def an_object(  # noqa: PLR0913 - what the loader reads
    path: str,
    *definitions: str,
    soname: str | None = None,
    needed: Sequence[str] = (),
    rpath: str | None = None,
    runpath: str | None = None,
    refers: Sequence[str | SymbolRef] = (),
    needs: Sequence[str | VersionNeed] = (),
    nodes: Sequence[str] = (),
    versioned: bool | None = None,
) -> ElfFacts:
    """A sound shared object for x86_64; `dataclasses.replace` breaks it."""
    version_needs = tuple(need(n) if isinstance(n, str) else n for n in needs)
    references = tuple(ref(r) if isinstance(r, str) else r for r in refers)
    if versioned is None and version_needs:
        versioned = True  # DT_VERSYM comes with versions of either kind
    return ElfFacts(
        location=location(path),
        size=4096,
        header=HEADER,
        segments=(a_segment(),),
        dynamic=True,
        soname=soname,
        needed=tuple(needed),
        rpath=rpath,
        runpath=runpath,
        version_needs=version_needs,
        table=table(*definitions, nodes=nodes, versioned=versioned),
        references=references,
        undefined=references,
        exec_stack=False,
    )


def with_header(facts: ElfFacts, **fields: int | bytes) -> ElfFacts:
    """The same object with other fields in its ELF header."""
    assert facts.header is not None
    return replace(facts, header=replace(facts.header, **fields))  # type: ignore[arg-type]


def a_foreign_file(path: str, kind: Foreign = Foreign.TEXT, size: int = 4096) -> ForeignFile:
    return ForeignFile(location(path), size, kind)


# --- targets ---


def a_library(  # noqa: PLR0913 - what a profile says of one
    soname: str,
    *definitions: str,
    nodes: Sequence[str] = (),
    needed: Sequence[str] = (),
    folder: str = "/lib64",
    complete: bool = True,
    introduced: Mapping[str, str] | None = None,
    doubtful: str = "",
) -> Library:
    return Library(
        soname,
        PurePosixPath(f"{folder}/{soname}"),
        table(*definitions, nodes=nodes, complete=complete),
        tuple(needed),
        introduced=introduced or {},
        doubtful=doubtful,
    )


LIBC: Final = a_library(
    "libc.so.6",
    "memcpy@GLIBC_2.2.5",
    "memcpy@@GLIBC_2.14",
    "printf@@GLIBC_2.2.5",
    nodes=("GLIBC_2.2.5", "GLIBC_2.14", "GLIBC_2.34"),
    needed=("ld-linux-x86-64.so.2",),
)
LIBM: Final = a_library("libm.so.6", "cos@@GLIBC_2.2.5", needed=("libc.so.6",))
LIBZ: Final = a_library("libz.so.1", "inflate", "deflate", needed=("libc.so.6",))
LIBPYTHON: Final = a_library(
    "libpython3.13.so.1.0", "PyModule_Create2", "PyLong_FromLong", folder="/var/lang/lib"
)
LD_SO: Final = a_library("ld-linux-x86-64.so.2", "__tls_get_addr@@GLIBC_2.3")

INTERPRETER: Final = Interpreter(
    version=(3, 13),
    suffixes=(".cpython-313-x86_64-linux-gnu.so", ".abi3.so", ".so"),
    exports=frozenset({"PyModule_Create2", "PyLong_FromLong", "_PySometimes"}),
    sometimes=frozenset({"_PySometimes"}),
    path=(PurePosixPath(TASK), PurePosixPath("/var/lang/lib/python3.13")),
    soname="libpython3.13.so.1.0",
    startup=(
        "/var/lang/lib/libpython3.13.so.1.0",
        "/lib64/libm.so.6",
        "/lib64/libc.so.6",
        "/lib64/ld-linux-x86-64.so.2",
    ),
    builtin=frozenset({"sys", "time"}),
    stdlib=frozenset({"sys", "time", "json"}),
    stable_abi={"PyModule_Create2": (3, 2)},
)


def a_profile(*libraries: Library, libc: tuple[int, int] = (2, 34)) -> TargetProfile:
    """A small target laid out like Lambda's: start-up libraries, libz, and `libraries`."""
    known = (LIBC, LIBM, LIBZ, LIBPYTHON, LD_SO, *libraries)
    return TargetProfile(
        name="a-target",
        title="a target",
        runtime="python3.13",
        machine="x86_64",
        libc_version=libc,
        os="Amazon Linux 2023",
        library_path=("/var/lang/lib", "/lib64", TASK, f"{TASK}/lib"),
        default_path=("/lib64", "/usr/lib64"),
        hwcaps=("glibc-hwcaps/x86-64-v3", "x86_64"),
        lib="lib64",
        platform="x86_64",
        page_size=4096,
        kernel=(5, 10, 0),
        isa_level=3,
        static_tls=1664,
        libraries={str(library.path): library for library in known},
        interpreter=INTERPRETER,
        task_root=PurePosixPath(TASK),
        wheel_platforms=("manylinux2014_x86_64", "manylinux_2_28_x86_64"),
        as_of="2026-01-01",
        image="an-image:3.13",
        limits={"unzipped": 250 << 20, "zipped_upload": 50 << 20},
        links={"/usr/lib64": "/lib64"},
    )


# --- loading ---

Thing = ElfFacts | ForeignFile


def target_path(path: str | PurePosixPath) -> str:
    """Where a path of the artifact lies on the target."""
    return f"{TASK}/{path}"


def a_loader(
    *things: Thing,
    profile: TargetProfile | None = None,
    links: Mapping[str, str] | None = None,
    modes: Mapping[str, int] | None = None,
    folders: Sequence[str] = (),
    others: Mapping[str, int] | None = None,
) -> Loader:
    """The loader of a target that has these files, links and folders in /var/task.

    `others` are files of a size that are neither ELF nor named like libraries.
    """
    entries = {
        target_path(thing.location.path): Entry(
            Kind.FILE, (modes or {}).get(str(thing.location.path))
        )
        for thing in things
    }
    for path, target in (links or {}).items():
        entries[target_path(path)] = Entry(Kind.SYMLINK, target=target)
    for path, size in (others or {}).items():
        entries[target_path(path)] = Entry(Kind.FILE, size=size)
    for path in folders:
        entries[target_path(path)] = Entry(Kind.DIRECTORY, (modes or {}).get(path))
    objects = {target_path(t.location.path): t for t in things if isinstance(t, ElfFacts)}
    foreign = {target_path(t.location.path): t for t in things if isinstance(t, ForeignFile)}
    return Loader(Tree(entries), objects, foreign, profile or a_profile())


def load(
    *things: Thing, profile: TargetProfile | None = None, links: Mapping[str, str] | None = None
) -> LinkMap:
    """Open the first of `things` in a fresh process."""
    loader = a_loader(*things, profile=profile, links=links)
    return loader.open(target_path(things[0].location.path))


def said(link_map: LinkMap) -> str | None:
    """What the process would see: the exception's text, or its death; None where it loads."""
    if link_map.halt is None:
        return None
    failure = link_map.halt.failure
    return failure.message if failure.crash is None else failure.crash


def found(link_map: LinkMap) -> list[tuple[str, str | None, FoundBy | None]]:
    """Each DT_NEEDED entry met or not, with the file that came and how, in the order asked."""
    return [
        (d.name, None if d.provider is None else str(d.provider), d.found_by)
        for d in link_map.dependencies
    ]


def names(link_map: LinkMap) -> list[str]:
    """The search list by file name."""
    return [path.name for path in link_map.objects]


# --- cases ---


def a_distribution(
    name: str = "pkg", version: str = "1.0", *, tags: Sequence[str] = (), files: Iterable[str] = ()
) -> Distribution:
    where = location(f"{name}-{version}.dist-info")
    return Distribution(name, version, where, tuple(tags), frozenset(files))


def an_inventory(  # noqa: PLR0913 - what can be learnt from an artifact
    *things: Thing,
    kind: ArtifactKind = ArtifactKind.ZIP,
    extensions: Sequence[ExtensionModule] = (),
    bytecode: Sequence[Bytecode] = (),
    distributions: Sequence[Distribution] = (),
    irregularities: Sequence[Irregularity] = (),
    python_files: int = 1,
    artifact: str = "a.zip",
) -> Inventory:
    return Inventory(
        artifact=artifact,
        kind=kind,
        sha256="0" * 64,
        objects={target_path(t.location.path): t for t in things if isinstance(t, ElfFacts)},
        foreign={target_path(t.location.path): t for t in things if isinstance(t, ForeignFile)},
        extensions=tuple(extensions),
        bytecode=tuple(bytecode),
        distributions=tuple(distributions),
        packages=("handler",),
        irregularities=tuple(irregularities),
        counts=Counts(len(things) + python_files, 4096, python_files),
    )


def of_a_layer(name: str) -> Inventory:
    """The inventory of a function that has this one layer."""
    layer = FunctionLayer(name, f"dist/{name}", ArtifactKind.ZIP, "1" * 64, 100, Counts(3, 300, 1))
    return replace(an_inventory(), layers=(layer,))


def a_layer(
    media_type: str = "application/vnd.docker.image.rootfs.diff.tar.gzip",
    compression: Compression | None = Compression.GZIP,
    index: int = 0,
) -> ImageLayer:
    return ImageLayer(index, f"sha256:{index}", None, media_type, compression, 4096, "RUN pip")


def an_image(*layers: ImageLayer, **config: object) -> ImageFacts:
    """An image that Lambda takes."""
    platform = Platform("linux", "amd64")
    return ImageFacts(
        config=replace(ImageConfig(platform), **config),  # type: ignore[arg-type]
        layers=layers or (a_layer(),),
        media_type="application/vnd.docker.distribution.manifest.v2+json",
        unpacked=8192,
        entry_point=EntryPoint("/lambda-entrypoint.sh", "/lambda-entrypoint.sh", ("app.handler",)),
        client="/lambda-entrypoint.sh",
        architecture="amd64",
    )


def irregular(kind: Irregular, path: str = "", detail: str = "as it is") -> Irregularity:
    return Irregularity(kind, location(path), detail)


def a_case(  # noqa: PLR0913 - what the rules judge
    *things: Thing,
    opens: Mapping[str, str | None] | None = None,
    profile: TargetProfile | None = None,
    owner: Distribution | None = None,
    severity: Severity = Severity.ERROR,
    reason: str = "",
    missing: Sequence[MissingModule] = (),
    inventory: Inventory | None = None,
    modes: Mapping[str, int] | None = None,
) -> Case:
    """What is judged when `opens` (path to module, or None for a library) are opened.

    Without `opens` the first of `things` is an extension called `mod`.
    """
    target = profile or a_profile()
    loader = a_loader(*things, profile=target, modes=modes)
    if opens is None:
        opens = {str(things[0].location.path): "mod"} if things else {}
    roots = []
    for path, module in opens.items():
        if module is None:
            link_map = loader.open(target_path(path))
            halt = link_map.halt
        else:
            link_map, halt = loader.open_extension(target_path(path), module)
        where = PurePosixPath(target_path(path))
        roots.append(
            Root(where, location(path), link_map, halt, module, severity=severity, reason=reason)
        )
    owners = {} if owner is None else {thing.location: owner for thing in things}
    return Case(inventory or an_inventory(*things), target, tuple(roots), tuple(missing), owners)


def a_missing_module(
    path: str, module: str, reason: str, *, severity: Severity = Severity.ERROR, guard: str = ""
) -> MissingModule:
    """A module of which the artifact has only `path`, which the importer ignores for `reason`."""
    suffix = path[path.index(".") :]
    extension = ExtensionModule(module, None, (Sibling(location(path), suffix, reason),))
    failure = Failure("ModuleNotFoundError", f"No module named '{module}'")
    prediction = Prediction(module, Verdict.FAILS, failure, (Site(PurePosixPath("handler.py"), 1),))
    return MissingModule(extension, prediction, severity, guard)


def judge(case: Case) -> tuple[Finding, ...]:
    """Every finding of every rule."""
    return run_rules(ALL_RULES, case)


def codes(case: Case) -> list[str]:
    """The codes of every finding, in printing order; what is less than an error says so."""
    return [
        f.rule.code if f.severity is Severity.ERROR else f"{f.rule.code} {f.severity}"
        for f in judge(case)
    ]


# --- reports ---

RULE: Final = RuleInfo("ABI901", "made-up", Severity.ERROR, "a fault that no rule knows")


def a_finding(  # noqa: PLR0913 - what a fault says
    path: str = "mod.so",
    message: str = "does not load",
    *,
    rule: RuleInfo = RULE,
    severity: Severity = Severity.ERROR,
    subject: str = "",
    distribution: Distribution | None = None,
    failure: Failure | None = None,
    why: str = "",
    fix: str = "",
) -> Finding:
    fault = Fault(location(path), message, subject, why=why, fix=fix, failure=failure)
    return Finding(rule, severity, fault, distribution)


def a_finding_in_a_layer(layer: str, path: str) -> Finding:
    """A fault of a file that one of the function's layers has."""
    fault = Fault(Location(PurePosixPath(path), layer), "does not load", origin=f"layer {layer}")
    return Finding(RULE, Severity.ERROR, fault)


def an_object_report(
    thing: Thing,
    kind: ObjectKind = ObjectKind.EXTENSION,
    *,
    module: str | None = None,
    prediction: Prediction | None = None,
    distribution: Distribution | None = None,
) -> ObjectReport:
    path = PurePosixPath(target_path(thing.location.path))
    return ObjectReport(
        path,
        thing.location,
        kind,
        thing,
        distribution,
        module,
        prediction,
        LinkMap(path, (path,)),
        None,
    )


def a_report(  # noqa: PLR0913 - all that can be reported
    *findings: Finding,
    inventory: Inventory | None = None,
    objects: Sequence[ObjectReport] = (),
    packages: Sequence[PackageReport] = (),
    handler: Prediction | None = None,
    profile: TargetProfile | None = None,
    suppressed: Sequence[Finding] = (),
    function: str | None = None,
    matrix: Sequence[RuntimeOutcome] = (),
) -> Report:
    return Report(
        inventory or an_inventory(),
        profile or replace(a_profile(), package="zip"),
        findings,
        tuple(objects),
        tuple(packages),
        handler,
        tuple(Suppressed(f, Suppressor.CONFIGURATION, "it is known") for f in suppressed),
        function,
        matrix=tuple(matrix),
    )


# --- smoke imports ---

DIGEST: Final = f"sha256:{'ab' * 32}"


def a_smoke_run(*imports: SmokeImport, image: str = "an-image:3.13") -> SmokeRun:
    return SmokeRun(
        image=image,
        id=f"sha256:{'cd' * 32}",
        digest=DIGEST,
        platform="linux/amd64",
        engine="Docker 28.0.1",
        python="3.13.0",
        imports=imports,
    )


# --- files ---


def write_zip(path: Path, members: Mapping[str, str | bytes]) -> Path:
    """Write a ZIP with these members, whatever they are called, as Unix would."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            mode = 0o40755 if name.endswith("/") else 0o100644
            info.create_system, info.external_attr = 3, mode << 16
            archive.writestr(info, content)
    return path
