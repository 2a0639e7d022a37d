"""Hostile folders and files of the checking machine: links, pipes, devices, depth."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.elfbuilder import Elf
from tests.rootbuilder import a_root
from tests.threats.threat import PAYLOAD, Request, Threat, checked, threat


def _folder(place: Path) -> Path:
    folder = place / "build"
    folder.mkdir()
    (folder / "app.py").write_text("x = 1\n", encoding="utf-8")
    return folder


@threat("a link to a module outside of the folder", code="ABI603")
def folder_link_out(place: Path) -> Request:
    (place / "secret.py").write_text(f"raise ImportError({PAYLOAD!r})\n", encoding="utf-8")
    folder = _folder(place)
    (folder / "pkg.py").symlink_to("../secret.py")
    (folder / "etc").symlink_to("/etc")
    (folder / "lib.so").symlink_to("/proc/self/exe")
    return checked("build")


@threat("links that lead to one another, and to the folder itself", status=0, code="ABI603")
def folder_link_loop(place: Path) -> Request:
    folder = _folder(place)
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    (folder / "again").symlink_to(".")
    (folder / "above").symlink_to("..")
    return checked("build")


@threat("a pipe and a socket, which would wait for ever", code="ABI008")
def folder_with_pipe(place: Path) -> Request:
    folder = _folder(place)
    os.mkfifo(folder / "pipe.py")
    here = Path.cwd()
    try:
        os.chdir(folder)  # the name of a socket has 108 bytes at most
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket.so")
    finally:
        os.chdir(here)
    return checked("build")


@threat("a link to a device that never ends, and one to a file of /proc", status=0)
def folder_link_to_device(place: Path) -> Request:
    folder = _folder(place)
    (folder / "zero.so").symlink_to("/dev/zero")
    (folder / "mem.py").symlink_to("/proc/self/mem")
    return checked("build")


@threat("folders one in another, two hundred deep", code="ABI002")
def folder_deep(place: Path) -> Request:
    folder = _folder(place)
    here = Path.cwd()
    try:
        os.chdir(folder)
        for _ in range(200):
            Path("d").mkdir()
            os.chdir("d")
    finally:
        os.chdir(here)
    return checked("build")


@threat("a sparse object of a terabyte", code="ABI002")
def folder_sparse_file(place: Path) -> Request:
    folder = _folder(place)
    with (folder / "huge.so").open("wb") as file:
        file.write(Elf().build())
        file.truncate(1 << 40)
    return checked("build")


@threat("a pipe as the artifact", status=2, says="a pipe")
def artifact_is_pipe(place: Path) -> Request:
    os.mkfifo(place / "app.zip")
    return checked("app.zip")


@threat("a device as the artifact", status=2, says="a device")
def artifact_is_device(place: Path) -> Request:
    del place
    return checked("/dev/zero")


@threat("a link to itself as the artifact", status=3, says="symbolic links")
def artifact_is_loop(place: Path) -> Request:
    (place / "app.zip").symlink_to("app.zip")
    return checked("app.zip")


@threat("a folder of wheels with a pipe, links out, and a wheel that is none", code="ABI722")
def wheels_hostile(place: Path) -> Request:
    folder, wheels = _folder(place), place / "wheels"
    wheels.mkdir()
    os.mkfifo(wheels / "a-1-py3-none-any.whl")
    (wheels / "b-1-py3-none-any.whl").symlink_to("/etc/passwd")
    (wheels / "c-1-py3-none-any.whl").write_bytes(b"PK\5\6" + b"\xff" * 18)
    digest = "0" * 64
    (place / "requirements.txt").write_text(
        "".join(f"{name}==1 --hash=sha256:{digest}\n" for name in "abc"), encoding="utf-8"
    )
    del folder
    return checked("build", "--requirements", "requirements.txt", "--wheels", "wheels")


@threat("a root file system whose links lead out of it, and round", status=3)
def root_with_links(place: Path) -> Request:
    root = place / "root"
    for path, content in a_root().items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
    for library in (root / "usr" / "lib").rglob("libc.so.6"):
        library.unlink()
        library.symlink_to("../../../../../../../../../etc/passwd")
    (root / "loop").symlink_to("loop")
    return checked("capture", "root", "-o", "../out/profile.json")


THREATS: Final[Iterable[Threat]] = (
    folder_link_out,
    folder_link_loop,
    folder_with_pipe,
    folder_link_to_device,
    folder_deep,
    folder_sparse_file,
    artifact_is_pipe,
    artifact_is_device,
    artifact_is_loop,
    wheels_hostile,
    root_with_links,
)
