"""Tell what this runtime is: its libraries, its loader, its interpreter.

Standard library only, CPython 3.8 or later.  As a function its handler is
`handler.handler`; as a script it prints the same reply.  `abicheck capture
REPLY.json -o PROFILE.json` makes a target profile of it.

Of each shared object only what a loader reads is sent: headers, dynamic table,
symbol, version and relocation tables, each at its place in the file.
"""

import os
import sys


def _loaded():
    """Return the shared objects of this process, by address, as the kernel names them."""
    try:
        with open("/proc/self/maps", errors="surrogateescape") as maps:
            paths = [line.rstrip("\n").split(None, 5)[5:] for line in maps]
    except OSError:
        return []
    return list(dict.fromkeys(p[0] for p in paths if p and ".so" in os.path.basename(p[0])))


_LOADED = _loaded()  # before this file imports anything that brings a library

import _imp
import base64
import glob
import importlib.machinery
import importlib.util
import json
import platform
import re
import struct
import time
import zlib

_SCHEMA = 1
_REPLY_LIMIT = 5_500_000  # bytes; Lambda's own is 6 MB
_SHARED = re.compile(r"\.so(\.|$)")
_FOLDERS = ("/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib", "/var/lang/lib")
_TEXTS = ("/etc/ld.so.cache", "/etc/os-release", "/usr/lib/os-release")
_NAMES = ("LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "PYTHONHOME", "LD_PRELOAD", "LAMBDA_TASK_ROOT")
# Strings of the C library, its loader and the interpreter that a capture looks for.
_STRINGS = (
    re.compile(rb"GNU C Library [^\0\n]*"),
    re.compile(rb"\0(?:/[\w./+-]+/\0){2,}"),
    re.compile(rb"\0\.(?:cpython-\d+[a-z]*(?:-[\w-]+)?|abi3(?:-[\w-]+)?)\.so\0"),
    re.compile(rb"\0%d\.%d\.\d+(?:(?:a|b|rc)\d+)?\+?\0" % sys.version_info[:2]),
)
_SPEAKING = re.compile(r"^(libc[.-]|ld[.-]|libpython|python)")
# Dynamic tags: tables whose size another tag gives, and tables that end where the next begins.
_SIZED = {7: 8, 17: 18, 23: 2, 36: 35, 5: 10}
_UNSIZED = (4, 6, 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE)
_RELOCATIONS = (7, 17, 23, 36)
_SYMBOLS = (4, 0x6FFFFFF0)
# x86-64 psABI, the features of each level beyond those of the one before.
_LEVELS = (
    ("cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"),
    ("avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"),
    ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"),
)


def handler(event, context):
    """Return everything, small enough for a reply."""
    return reply(_REPLY_LIMIT)


def reply(limit=None):
    """Return everything, or what fits into so many bytes of JSON."""
    facts = runtime()
    survey = _Survey()
    survey.folders(_folders())
    for path in (*_TEXTS, *facts["loaded"], facts["executable"]):
        survey.file(path)
    for folder in (*facts["path"], *os.environ.get("PATH", "").split(":")):
        survey.listing(folder)
    room = None if limit is None else limit - len(json.dumps(facts))
    return {"schema": _SCHEMA, "runtime": facts, **survey.reply(room)}


def runtime():
    """Return what only a running process knows."""
    uname = os.uname()
    return {
        "schema": _SCHEMA,
        "version": "%d.%d.%d" % sys.version_info[:3],
        "implementation": sys.implementation.name,
        "executable": os.path.realpath(sys.executable or "/proc/self/exe"),
        "folder": os.path.dirname(os.path.abspath(__file__)),
        "path": [entry for entry in sys.path if entry],
        "suffixes": importlib.machinery.EXTENSION_SUFFIXES,
        "builtin": sorted(set(sys.builtin_module_names) | _frozen()),
        "magic": importlib.util.MAGIC_NUMBER.hex(),
        "loaded": _LOADED,
        "environment": {
            name: os.environ[name]
            for name in sorted(os.environ)
            if name in _NAMES or name.startswith("GLIBC_TUNABLES")
        },
        "machine": uname.machine,
        "kernel": uname.release,
        "page_size": os.sysconf("SC_PAGE_SIZE"),
        "libc": " ".join(platform.libc_ver()),
        "isa_level": _isa_level(uname.machine),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def _frozen():
    """Return the frozen modules that are in use instead of files."""
    always = {"zipimport", "_frozen_importlib", "_frozen_importlib_external"}
    if not hasattr(_imp, "_frozen_module_names"):  # before 3.11 nothing else was frozen
        return always
    names = {name for name in _imp._frozen_module_names() if _imp.find_frozen(name) is not None}
    return always | {name for name in names if "." not in name and not name.startswith("__")}


def _isa_level(machine):
    if machine != "x86_64":
        return 1
    try:
        with open("/proc/cpuinfo") as cpus:
            flags = next((line.split() for line in cpus if line.startswith("flags")), [])
    except OSError:
        return 0
    level = 1
    for wanted in _LEVELS:
        if not set(wanted) <= set(flags):
            break
        level += 1
    return level


def _folders():
    own = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    multiarch = sorted(glob.glob("/lib/*-linux-gnu") + glob.glob("/usr/lib/*-linux-gnu"))
    dynamic = [entry for entry in sys.path if entry.endswith("lib-dynload")]
    near = [os.path.join(os.path.dirname(os.path.realpath(sys.executable)), "../lib")]
    folders = (*own, *multiarch, *_FOLDERS, *_cached(), *near, *dynamic)
    return [folder for folder in folders if folder]


def _cached():
    """Return the folders of what ld.so.cache names."""
    try:
        with open(_TEXTS[0], "rb") as cache:
            found = re.findall(rb"\0(/[^\0]+)/[^\0/]+", cache.read())
    except OSError:
        return []
    return sorted({folder.decode("utf-8", "surrogateescape") for folder in found})


class _Survey:
    """What has been seen of the file system, and what of it is to be sent."""

    def __init__(self):
        self._entries = {}
        self._parts = {}
        self._done = set()

    def folders(self, folders):
        todo = list(folders)
        while todo:
            folder = self._walk(todo.pop(0))
            if folder in self._done or not os.path.isdir(folder):
                continue
            self._done.add(folder)
            for name in sorted(_list(folder)):
                path = os.path.join(folder, name)
                if _SHARED.search(name):
                    todo += self.file(path)
                elif name in ("glibc-hwcaps", "tls"):
                    todo += [d for d in glob.glob(path + "/*") if os.path.isdir(d)]

    def listing(self, folder):
        """Note the names in a folder of modules, and whether its folders are packages."""
        folder = self._walk(folder)
        for name in _list(folder):
            path = os.path.join(folder, name)
            self._note(path)
            if os.path.isdir(path):
                for inner in sorted(_list(path))[:64]:
                    if inner.endswith((".py", ".so")):
                        self._note(os.path.join(path, inner))

    def file(self, path):
        """Take what a loader reads of a file; return the folders that its run paths name."""
        real = self._walk(path)
        if real in self._done or not os.path.isfile(real):
            return []
        self._done.add(real)
        self._note(real)
        try:
            with open(real, "rb") as opened:
                data = opened.read()
        except OSError:
            return []
        name = os.path.basename(real)
        if not data.startswith(b"\x7fELF"):
            if real in map(os.path.realpath, _TEXTS) or name == "site.py":
                self._parts[real] = [(0, data, 0)]
            return []
        parts, run_paths = _dynamic_parts(data)
        if _SPEAKING.match(name):
            parts += [(m.start(), m.group(), 0) for text in _STRINGS for m in text.finditer(data)]
        self._parts[real] = parts
        origin = os.path.dirname(real)
        expanded = [p.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", origin) for p in run_paths]
        return [path for path in expanded if path.startswith("/")]

    def _walk(self, path):
        """Return the real path, and note every link on the way."""
        here, parts, steps = "/", path.split("/")[::-1], 0
        while parts and steps < 4096:
            steps += 1
            part = parts.pop()
            if part in ("", "."):
                continue
            step = os.path.normpath(os.path.join(here, part))
            if not os.path.islink(step):
                here = step
                continue
            target = os.readlink(step)
            self._note(step)
            here = "/" if target.startswith("/") else here
            parts += target.split("/")[::-1]
        return here

    def _note(self, path):
        if path in self._entries:
            return
        if os.path.islink(path):
            self._entries[path] = os.readlink(path)
            self._walk(path)
        elif os.path.isdir(path):
            self._entries[path] = None
        elif os.path.isfile(path):
            self._entries[path] = os.path.getsize(path)

    def reply(self, room):
        """Return the entries, and of each file the places and the bytes of its parts.

        Where they do not fit, the largest files first go without relocations,
        and then without symbols; those are named in `left_out`.
        """
        entries = dict(sorted(self._entries.items()))
        chunks = {path: _pack(parts, ()) for path, parts in sorted(self._parts.items())}
        left_out = []
        if room is not None:
            room -= len(json.dumps(entries))
            sizes = {path: len(json.dumps(chunk)) + len(path) + 8 for path, chunk in chunks.items()}
            order = sorted(sizes, key=lambda path: (-sizes[path], path))
            silent = [path for path in order if not _SPEAKING.match(os.path.basename(path))]
            steps = [(path, _RELOCATIONS) for path in order]
            steps += [(path, _RELOCATIONS + _SYMBOLS) for path in silent]
            for path, without in steps:
                if sum(sizes.values()) <= room:
                    break
                chunks[path] = _pack(self._parts[path], without)
                sizes[path] = len(json.dumps(chunks[path])) + len(path) + 8
                left_out += [path] if without != _RELOCATIONS else []
        return {"entries": entries, "chunks": chunks, "left_out": sorted(left_out)}


def _pack(parts, without):
    """Return the places of parts, [offset, length] each, and at last their bytes as text."""
    kept = [(at, data) for at, data, tag in parts if tag not in without]
    packed = zlib.compress(b"".join(data for _, data in kept))
    return [[at, len(data)] for at, data in kept] + [base64.b64encode(packed).decode("ascii")]


def _list(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _dynamic_parts(data):
    """Return (offset, bytes, tag) of what a loader reads, and the elements of the run paths."""
    try:
        return _parse(data)
    except (struct.error, IndexError, ValueError):
        return [(0, data[:4096], 0)], []


def _parse(data):
    if data[4] != 2 or data[5] != 1:
        return [(0, data[:64], 0)], []
    offset, size, count = struct.unpack_from("<Q", data, 32) + struct.unpack_from("<HH", data, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", data, offset + i * size) for i in range(count)]
    parts = [(0, data[:64], 0), (offset, data[offset : offset + size * count], 0)]
    # PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_GNU_PROPERTY
    whole = [h for h in headers if h[0] in (2, 3, 4, 0x6474E553)]
    parts += [(at, data[at : at + length], 0) for _, _, at, _, _, length, _, _ in whole]
    tags = _tags(data, [h for h in headers if h[0] == 2 and h[5]])
    loads = [(h[3], h[2], h[5]) for h in headers if h[0] == 1]
    starts = sorted(tags[tag] for tag in (*_SIZED, *_UNSIZED) if tag in tags)
    for tag in (*_SIZED, *_UNSIZED):
        if tag not in tags:
            continue
        at, end = _place(loads, tags[tag])
        after = [start - tags[tag] for start in starts if start > tags[tag]]
        if tag in _SIZED:
            end = at + tags.get(_SIZED[tag], 0)
        elif after:
            end = min(end, at + after[0])
        kept = _without_places(data[at:end]) if tag in (7, 23) else data[at:end]
        parts.append((at, kept, tag))
    return parts, _run_paths(data, tags, loads)


def _tags(data, dynamic):
    """Return the dynamic table; of a tag that is repeated, the last."""
    tags = {}
    for index in range(dynamic[-1][5] // 16 if dynamic else 0):
        tag, value = struct.unpack_from("<QQ", data, dynamic[-1][2] + index * 16)
        if tag == 0:
            break
        tags[tag] = value
    return tags


def _place(loads, address):
    """Return the offset of an address, and where its segment ends."""
    for start, at, length in loads:
        if start <= address < start + length:
            return at + address - start, at + length
    raise ValueError(address)


def _run_paths(data, tags, loads):
    """Return the elements of DT_RPATH and DT_RUNPATH."""
    paths = []
    for tag in (15, 29):
        if tag in tags and 5 in tags:
            start = _place(loads, tags[5])[0] + tags[tag]
            paths += data[start : data.index(b"\0", start)].decode("utf-8", "replace").split(":")
    return paths


def _without_places(table):
    """Blank where each relocation writes and what it adds: it is asked only for type and symbol."""
    kept = bytearray(len(table))
    for at in range(8, len(table) - 15, 24):
        kept[at : at + 8] = table[at : at + 8]
    return bytes(kept)


if __name__ == "__main__":
    # What only the process knows, or the whole reply with the files.
    print(json.dumps(runtime() if sys.argv[1:] == ["runtime"] else reply(), sort_keys=True))
