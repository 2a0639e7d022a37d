"""What a runtime says, and which rules it makes one suspect, the likeliest first.

A message seldom decides: `No module named 'x'` is said of a file for another
Python, of one for another processor, and of one that was never there.  What
the words themselves tell is written here; the rest is the artifact's to tell.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Final

# Modules that were in the standard library of older Pythons.
_GONE: Final = frozenset({"asynchat", "asyncore", "cgi", "distutils", "imp", "smtpd", "telnetlib"})
_STANDARD: Final = sys.stdlib_module_names | {"_zstd", "annotationlib", "compression"}
# Packages that several distributions share, each with a part of them.
_SHARED: Final = (
    "azure|backports|google|jaraco|opentelemetry|paste|repoze|ruamel|sphinxcontrib|zope"
)
_HANDLERS: Final = "app|function|handler|index|lambda_function|lambda_handler|main"


@dataclass(frozen=True, slots=True)
class Symptom:
    """Words of a runtime, the codes of the rules they point at, and what to look at.

    `words` are literal and in lower case: they are looked for first.  The names of the
    pattern's groups stand in `look`.  Without codes `look` says why there is no rule.
    """

    words: str
    pattern: re.Pattern[str]
    codes: tuple[str, ...]
    look: str


def _symptom(words: str, pattern: str, codes: str, look: str) -> Symptom:
    return Symptom(words, re.compile(pattern, re.IGNORECASE), tuple(codes.split()), look)


_MODULE: Final = r"no module named:? [\\'\"]*"
_NOT_OPENED: Final = "cannot open shared object file"
_NO_FILE: Final = rf"{_NOT_OPENED}: no such file"
_REQUIRED: Final = r"(?: \(required by (?P<file>[^)]+)\))?"
_TAGGED: Final = (
    "the files of {package} that begin with {name}, and their suffixes: python3.13 on x86_64 "
    "opens .cpython-313-x86_64-linux-gnu.so, .abi3.so and .so, and passes every other over"
)

# The first that meets a line has it: what is special comes before what is general.
SYMPTOMS: Final[tuple[Symptom, ...]] = (
    # --- images and uploads ---
    _symptom(
        "media type for the source image",
        "for the source image (?P<image>[^ ]*)",
        "ABI801 ABI802",
        "what the tag leads to (`docker buildx imagetools inspect {image}`): an index, as "
        "attestations make one, is refused like an unknown media type",
    ),
    _symptom(
        "unsupportedimagelayerdetected",
        "UnsupportedImageLayerDetected(?: - Layer Digest (?P<layer>[\\w:]+))?",
        "ABI802",
        "the media type of layer {layer} in the image's manifest, and how it is really packed",
    ),
    _symptom(
        "missingparentdirectory",
        "does not exist for file: (?P<path>[^ )]+)|MissingParentDirectory",
        "ABI803",
        "the order of the layer's tar: a folder has to come before {path}",
    ),
    _symptom(
        "exec format error",
        r"(?:fork/exec |exec )?(?P<path>/[^: ]*)?:? ?exec format error",
        "ABI804",
        "the architecture in the image's configuration, and that of the function",
    ),
    _symptom(
        "fork/exec ",
        "fork/exec (?P<path>[^:]+): (?:permission denied|no such file or directory)",
        "ABI805",
        "{path} in the image: is it there, is its mode o+x, is what its #! names there",
    ),
    _symptom(
        "runtime.invalidentrypoint",
        "",
        "ABI805 ABI804",
        "the image's ENTRYPOINT, and the words of the log beside it",
    ),
    _symptom(
        "lambda layers are not supported for functions created with container images",
        "",
        "",
        "no rule: it is about the function's settings, no file is at fault. Copy what the layer "
        "holds into the image's /opt",
    ),
    _symptom(
        "unzipped size must be smaller",
        r"smaller than (?P<size>\d+)",
        "ABI010",
        "the sizes of the function and its layers, unpacked and together; a number below "
        "262144000 is what the layers leave",
    ),
    _symptom(
        "uploaded file must be a non-empty zip",
        "",
        "ABI003",
        "the size of the file: an empty ZIP has 22 bytes",
    ),
    _symptom(
        "could not unzip uploaded file",
        "",
        "ABI001 ABI003 ABI004",
        "the first bytes of the file (PK, or the text of base64), and whether it is encrypted",
    ),
    _symptom(
        "duplicate name",
        "duplicate name: [\\'\"]?(?P<name>[^\\'\"]*)",
        "ABI006",
        "the members called {name}: which one is unpacked last",
    ),
    # --- symbol versions ---
    _symptom(
        "glibc_abi_dt_relr",
        "GLIBC_ABI_DT_RELR",
        "ABI505",
        "the linker's options: -z pack-relative-relocs wants glibc 2.36",
    ),
    _symptom(
        "glibc_",
        rf"version [`'](?P<version>GLIBC_[\d.]+)' not found{_REQUIRED}",
        "ABI301",
        "the wheel that {file} is from: {version} is what it was built on. Amazon Linux 2023 has "
        "glibc 2.34, Amazon Linux 2 (up to python3.11) has 2.26",
    ),
    _symptom(
        "' not found",
        rf"version [`'](?P<version>(?:GCC|GLIBCXX|CXXABI)_[\w.]+)' not found{_REQUIRED}",
        "ABI303 ABI305",
        "which libstdc++ is found first, and the compiler that {file} was built with",
    ),
    _symptom(
        "' not found",
        rf"(?P<library>[^ ]+): version [`'](?P<version>[^']+)' not found{_REQUIRED}",
        "ABI304 ABI305",
        "{library}, the copy that was found first: another one may have {version}",
    ),
    # --- symbols ---
    _symptom(
        "undefined symbol: _py_",
        r"undefined symbol: (?P<symbol>_Py_(?:MergeZeroLocalRefcount|DecRefShared)\w*)",
        "ABI204 ABI202",
        "the tag of the wheel: {symbol} is only in free-threaded builds (cp313t)",
    ),
    _symptom(
        "undefined symbol: ",
        r"(?:(?P<file>[^ ]+): )?undefined symbol: (?P<symbol>_?Py\w+)",
        "ABI202 ABI209 ABI206",
        "for which CPython {file} was compiled: {symbol} is of the C-API, and the target's "
        "interpreter has none",
    ),
    _symptom(
        "undefined symbol: ",
        r"(?:(?P<file>[^ ]+): )?undefined symbol: (?P<symbol>[^ ,]+)",
        "ABI302 ABI307 ABI306",
        "which library of {file} should have {symbol}, and whether an older copy of it is found",
    ),
    # --- libraries ---
    _symptom(
        "libc.",
        rf"libc\.(?:musl-\w+\.so\.1|so): {_NO_FILE}",
        "ABI105",
        "the wheel's tag: musllinux is for Alpine, Lambda wants manylinux",
    ),
    _symptom(
        "error while loading shared libraries: libpython",
        "",
        "ABI631 ABI203",
        "LD_LIBRARY_PATH among the function's variables: it must keep /var/lang/lib",
    ),
    _symptom(
        _NOT_OPENED,
        rf"(?P<library>libpython[\d.]+\w*\.so\S*): {_NOT_OPENED}",
        "ABI203 ABI631",
        "what needs {library}: extensions are not linked to it, and were built for that Python",
    ),
    _symptom(
        _NOT_OPENED,
        rf"{_NOT_OPENED}: permission denied",
        "ABI601 ABI608",
        "the modes in the archive (`unzip -Z`): files want o+r, folders o+rx",
    ),
    _symptom(
        _NOT_OPENED,
        rf"(?P<library>[^ :/]+-[0-9a-f]{{8}}[^ :/]*\.so[^ :]*): {_NOT_OPENED}",
        "ABI402 ABI401",
        "the folder of vendored libraries (NAME.libs, beside the package or in it): {library} "
        "was in it when the wheel was made",
    ),
    _symptom(
        _NOT_OPENED,
        rf"(?P<file>/[^ :]+\.(?:abi3|cpython-\w+-[\w-]+)\.so): {_NO_FILE}",
        "ABI103 ABI603 ABI506 ABI612",
        "{file}: if it is there, its processor (`readelf -h`): of another one glibc says that "
        "the file does not exist",
    ),
    _symptom(
        _NOT_OPENED,
        rf"(?P<file>/(?:var/task|opt)/[^ :]+): {_NO_FILE}",
        "ABI103 ABI603 ABI612 ABI401 ABI506",
        "{file}: if it is there, its processor (`readelf -h`); else what the link leads to",
    ),
    _symptom(
        _NOT_OPENED,
        rf"(?P<library>[^ :/'\"]+): {_NOT_OPENED}",
        "ABI401 ABI403 ABI402 ABI103 ABI603",
        "what needs {library}, and whether it is in the artifact where the loader looks "
        "(/var/task, /var/task/lib, /opt/lib)",
    ),
    _symptom(
        "no pq wrapper available",
        "",
        "ABI401 ABI201",
        "libpq: psycopg finds it with `psycopg[binary]`, or where the artifact has it in lib/",
    ),
    # --- files that are refused ---
    _symptom(
        "invalid elf header",
        r"(?P<file>[^ ]+): invalid ELF header",
        "ABI101 ABI102 ABI106",
        "the first bytes of {file} (`file`): Mach-O of a Mac, MZ of Windows, or text",
    ),
    _symptom(
        "invalid elf header",
        "",
        "ABI101 ABI102 ABI106",
        "the first bytes of the file (`file`): Mach-O of a Mac, MZ of Windows, or text",
    ),
    _symptom(
        "file too short",
        r"(?P<file>[^ ]+): file too short|",
        "ABI106 ABI107",
        "the size of {file}, and its text: a Git LFS pointer has 130 bytes or so",
    ),
    _symptom(
        "signal: bus error",
        "",
        "ABI107",
        "the sizes of the binaries against their RECORD: one that is cut off dies so",
    ),
    _symptom(
        "signal: illegal instruction",
        "",
        "ABI503",
        "what was compiled on the build machine: -march=native leaves no trace in a file, "
        "and only running it shows that",
    ),
    _symptom(
        "signal: segmentation fault",
        "",
        "ABI109 ABI107",
        "which import it was (`--smoke`): a malformed file dies so, and so does code of its own",
    ),
    _symptom(
        "signal: aborted",
        "",
        "ABI306",
        "standard error before it: an assertion of ld.so, or of the code itself",
    ),
    _symptom(
        "exit status 127",
        "",
        "ABI306 ABI631",
        "standard error before it: ld.so says there what it stumbled over",
    ),
    _symptom(
        "wrong elf class",
        r"(?P<file>[^ ]+: )?wrong ELF class",
        "ABI104 ABI401",
        "the class of the file (`readelf -h`): Lambda has no 32-bit processes",
    ),
    _symptom(
        "elf load command ",
        r"(?:(?P<file>[^ ]+): )?ELF load command (?:alignment|address)",
        "ABI501",
        "what was done to {file} after it was linked: strip after patchelf (auditwheel) breaks it",
    ),
    _symptom(
        "cannot enable executable stack",
        r"(?:(?P<file>[^ ]+): )?cannot enable executable stack",
        "ABI502",
        "PT_GNU_STACK of {file} (`readelf -lW`): it asks for E, which glibc 2.41 and later refuse",
    ),
    _symptom(
        "cpu isa level is lower",
        r"(?:(?P<file>[^ ]+): )?CPU ISA level is lower",
        "ABI503",
        "the note of {file} (`readelf -n`): for which x86-64 level it was compiled",
    ),
    _symptom(
        "static tls block",
        "",
        "ABI504",
        "the order of the imports: what is imported first has the room that is left",
    ),
    # --- what Lambda's bootstrap says ---
    _symptom(
        "missing on module",
        r"Handler '(?P<name>[^']+)' missing on module '(?P<module>[^']+)'",
        "ABI604",
        "the code of {module}: is there a function {name}, and was it that file that was packed",
    ),
    _symptom(
        "syntax error in module",
        r"syntax error in module '(?P<module>[^']+)': (?P<what>.*)",
        "ABI606",
        "the Python that {module} is written for, and that of the runtime",
    ),
    _symptom(
        "add_dll_directory",
        "",
        "ABI102",
        "the tags in *.dist-info/WHEEL: this package is for Windows (win_amd64)",
    ),
    _symptom(
        "no package metadata was found for",
        r"found for '?(?P<name>[\w.-]+)",
        "ABI701",
        "whether there is a {name}-*.dist-info in the artifact: `slim` and prune scripts delete it",
    ),
    _symptom(
        "distribution was not found and is required",
        r"The '(?P<name>[\w.-]+)[^']*' distribution",
        "ABI701 ABI705",
        "whether there is a {name}-*.dist-info in the artifact: `slim` and prune scripts delete it",
    ),
    _symptom(
        "permission denied: '",
        r"permission denied: '(?P<path>[^']+)'",
        "ABI608 ABI810 ABI601",
        "the mode of {path} and of the folders above it: files want o+r, folders o+rx",
    ),
    _symptom(
        "bad magic number in ",
        r"bad magic number in '?(?P<name>[\w.]+)",
        "ABI207 ABI208",
        "{name}.pyc without its source: it was compiled by another Python",
    ),
    _symptom(
        "dynamic module does not define",
        r"\((?P<symbol>\w+)\)",
        "ABI205",
        "the name of the file: its init function has to be {symbol}",
    ),
    _symptom(
        "_abc_registry",
        "",
        "ABI609",
        "typing.py at the root: a backport that hides the standard library's",
    ),
    _symptom(
        "cannot import name",
        r"cannot import name '?(?P<name>\w+)'? from '?(?P<module>(?:boto3|botocore|s3transfer|"
        r"urllib3\.util\.ssl_|jmespath)[\w.]*)",
        "ABI611 ABI610",
        "which of boto3, botocore, s3transfer and urllib3 are in the artifact: all or none",
    ),
    _symptom(
        "module 'boto",
        r"module '(?P<module>boto\w+)' has no attribute",
        "ABI611 ABI610",
        "which of boto3, botocore, s3transfer and urllib3 are in the artifact: all or none",
    ),
    _symptom(
        "importing the numpy c-extensions failed",
        "",
        "ABI201 ABI103 ABI101",
        "the line `Original error was` below it: numpy's own advice is for other cases",
    ),
    _symptom(
        "cannot import name",
        r"cannot import name '?(?P<name>\w+)'? from '?(?P<package>[\w.]+)'?"
        r" \(unknown location\)",
        "ABI201 ABI103 ABI101 ABI608 ABI602 ABI702",
        f"{_TAGGED}; a folder of that name without code is taken for the module",
    ),
    _symptom(
        "cannot import name",
        r"cannot import name '?(?P<name>_\w+|cy\w+|\w*ext)'?"
        r" from (?:partially initialized module )?'?(?P<package>[\w.]+)",
        "ABI201 ABI103 ABI101 ABI204 ABI702 ABI608",
        _TAGGED,
    ),
    # --- modules that are not there ---
    _symptom(
        "no module named",
        rf"{_MODULE}encodings\b",
        "ABI633",
        "PYTHONHOME among the function's variables",
    ),
    _symptom(
        "no module named",
        rf"{_MODULE}(?P<name>[\w.]*\.tests?\b[\w.]*)",
        "ABI702",
        "whether a prune script removed {name}: some packages import their tests",
    ),
    _symptom(
        "unable to import module",
        rf"unable to import module [\\'\"]*(?P<name>\w+)[\w./-]*[\\'\"]*: {_MODULE}"
        r"(?P=name)(?!\w)",
        "ABI602 ABI009 ABI608 ABI007 ABI622 ABI621 ABI623",
        "whether {name}.py lies at the root of the ZIP (`unzip -l`): often the folder was zipped "
        "instead of its content",
    ),
    _symptom(
        "no module named",
        rf"{_MODULE}(?P<package>\w+)\.(?P<name>(?P=package))\b",
        "ABI201 ABI103 ABI101 ABI204 ABI102 ABI105 ABI702 ABI608",
        _TAGGED,
    ),
    _symptom(
        "no module named",
        rf"{_MODULE}(?P<package>\w+(?:\.\w+)*)\.(?P<name>_\w+|cy\w+|\w*ext)(?![\w.])",
        "ABI201 ABI103 ABI101 ABI204 ABI102 ABI105 ABI702 ABI608",
        _TAGGED,
    ),
    _symptom(
        "no module named",
        rf"{_MODULE}(?P<name>{_HANDLERS})(?![\w.])",
        "ABI602 ABI009 ABI608 ABI007 ABI622 ABI621 ABI623",
        "whether {name}.py lies at the root of the ZIP (`unzip -l`), and its mode",
    ),
    _symptom(
        "no module named",
        rf"{_MODULE}(?P<name>(?:{_SHARED})(?:\.\w+)*)",
        "ABI616 ABI602 ABI705 ABI702 ABI621 ABI622",
        "the folders that {name} is made of, in the artifact and in each layer, and *-nspkg.pth",
    ),
    _symptom(
        "no module named",
        rf"{_MODULE}(?P<name>{'|'.join(sorted(_GONE))})(?![\w.])",
        "ABI602 ABI713 ABI705",
        "the release of what imports {name}: it left the standard library",
    ),
    _symptom(
        "no module named",
        rf"{_MODULE}(?P<name>{'|'.join(sorted(_STANDARD - _GONE))})(?![\w.])",
        "",
        "no rule: {name} is the runtime's own. Where it is missing the interpreter was built "
        "without it, and nothing in an artifact shows that; import it in the base image to see",
    ),
    _symptom(
        "no module named",
        rf"{_MODULE}(?P<name>_\w+)(?![\w.])",
        "ABI201 ABI705 ABI103 ABI101 ABI702",
        "which files begin with {name} in the artifact, and their suffixes",
    ),
    _symptom(
        "no module named",
        rf"{_MODULE}(?P<name>\w+(?:\.\w+)*)",
        "ABI705 ABI703 ABI704 ABI722 ABI622 ABI621 ABI623 ABI702 ABI602 ABI615 ABI713",
        "whether {name} is in the artifact or a layer at all, and in which folder: at the root, "
        "in python/ of a layer, in a .venv that nobody enters, or only its dist-info",
    ),
    _symptom(
        "unable to import module",
        r"unable to import module [\\'\"]*(?P<name>[\w./-]+)[\\'\"]*:",
        "ABI602",
        "what stands behind the colon: code that {name} imports raised it",
    ),
    # --- what no file shows ---
    _symptom(
        "task timed out after",
        r"after (?P<time>[\d.]+ seconds)",
        "",
        "no rule: what a function does in {time} no file shows. If it was the cold start, "
        "`--smoke --cold-start-budget` measures the imports",
    ),
    _symptom(
        "signal: killed",
        "",
        "",
        "no rule: the function had too little memory, or ran too long. No file shows that",
    ),
    _symptom(
        "runtime.outofmemory",
        "",
        "",
        "no rule: the function had too little memory. No file shows that",
    ),
)
