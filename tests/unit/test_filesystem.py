"""A tree is the file system of the target: links are resolved in it and nowhere else."""

from __future__ import annotations

import pytest

from abicheck.filesystem import Entry, Kind, Tree

FILE, FOLDER = Entry(Kind.FILE), Entry(Kind.DIRECTORY)


def _link(target: str) -> Entry:
    return Entry(Kind.SYMLINK, target=target)


def _tree(**links: str) -> Tree:
    """Return /var/task with a package, an empty folder, and these links at its root."""
    return Tree(
        {
            "/var/task/pkg/__init__.py": FILE,
            "/var/task/pkg/lib/libx.so.1": FILE,
            "/var/task/empty": FOLDER,
            **{f"/var/task/{name}": _link(target) for name, target in links.items()},
        }
    )


def test_folders_that_no_member_names_exist_all_the_same() -> None:
    """As they do once an archive has been unpacked."""
    tree = _tree()

    assert tree.is_dir("/var/task/pkg/lib")
    assert tree.is_dir("/var")
    assert tree.is_dir("/")
    assert tree.children("/var/task") == {"pkg", "empty"}
    assert tree.children("/") == {"var"}


def test_a_folder_without_files_is_a_folder() -> None:
    """It was named, so it is there."""
    tree = _tree()

    assert tree.is_dir("/var/task/empty")
    assert not tree.is_file("/var/task/empty")
    assert tree.children("/var/task/empty") == set()


def test_an_empty_tree_has_a_root() -> None:
    """And nothing else."""
    tree = Tree({})

    assert tree.is_dir("/")
    assert tree.real("/") == "/"
    assert tree.children("/") == set()
    assert list(tree.files()) == list(tree.links()) == []


def test_a_file_is_no_folder_and_what_is_absent_is_neither() -> None:
    """`stat` fails, or says S_ISREG."""
    tree = _tree()

    assert tree.is_file("/var/task/pkg/__init__.py")
    assert not tree.is_dir("/var/task/pkg/__init__.py")
    assert not tree.is_file("/var/task/pkg")
    assert not tree.is_file("/var/task/absent.py")
    assert not tree.is_dir("/var/task/absent")
    assert tree.real("/var/task/absent") is None
    assert tree.children("/var/task/absent") == set()
    assert tree.children("/var/task/pkg/__init__.py") == set()


@pytest.mark.parametrize("links", [{}, {"unrelated": "pkg"}])
@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("/var/task/pkg", "/var/task/pkg"),
        ("/var/task/pkg/", "/var/task/pkg"),
        ("/var/task/./pkg/lib/..", "/var/task/pkg"),
        ("/var/task//pkg", "/var/task/pkg"),
        ("/..", "/"),
        ("/../../var/task", "/var/task"),
        ("/var/task/pkg/lib/../../empty", "/var/task/empty"),
    ],
)
def test_paths_are_normalised(links: dict[str, str], path: str, real: str) -> None:
    """Dots, double slashes and climbing past the root, with and without links in the tree."""
    assert _tree(**links).real(path) == real


@pytest.mark.parametrize("links", [{}, {"unrelated": "pkg"}])
@pytest.mark.parametrize(
    "path",
    [
        "/var/task/absent/..",
        "/var/task/absent/../pkg",
        "/var/task/pkg/__init__.py/..",
        "/var/task/pkg/__init__.py/../lib/libx.so.1",
        "/var/task/pkg/lib/../absent/../lib",
    ],
)
def test_what_dots_leave_must_be_a_folder(links: dict[str, str], path: str) -> None:
    """`link_path_walk` of the kernel: ENOENT and ENOTDIR, where a shell would fold the path."""
    assert _tree(**links).real(path) is None


@pytest.mark.parametrize("links", [{}, {"unrelated": "pkg"}])
@pytest.mark.parametrize("path", ["//var/task/pkg", "///var/task/pkg", "//var//task/./pkg/lib/.."])
def test_two_slashes_at_the_front_are_one(links: dict[str, str], path: str) -> None:
    """POSIX leaves it open; Linux does not."""
    assert _tree(**links).real(path) == "/var/task/pkg"


@pytest.mark.parametrize(
    ("target", "real"),
    [
        ("pkg/lib", "/var/task/pkg/lib"),
        ("./pkg//lib/", "/var/task/pkg/lib"),
        ("/var/task/pkg/lib", "/var/task/pkg/lib"),
        ("../task/pkg/lib", "/var/task/pkg/lib"),
        ("../../../../var/task/pkg/lib", "/var/task/pkg/lib"),
        ("/", "/"),
        (".", "/var/task"),
        ("absent", None),
        ("/opt/lib", None),
        ("../../etc", None),
        ("link", None),
    ],
)
def test_a_link_is_resolved_inside_the_tree(target: str, real: str | None) -> None:
    """From where the link lies; an absolute one from the root of the target."""
    assert _tree(link=target).real("/var/task/link") == real


def test_a_link_in_the_middle_of_a_path() -> None:
    """`..` after a link climbs from where the link led to."""
    tree = _tree(link="pkg/lib")

    assert tree.real("/var/task/link/libx.so.1") == "/var/task/pkg/lib/libx.so.1"
    assert tree.real("/var/task/link/..") == "/var/task/pkg"
    assert tree.is_file("/var/task/link/libx.so.1")
    assert tree.is_dir("/var/task/link")
    assert tree.children("/var/task/link") == {"libx.so.1"}


def test_links_to_links() -> None:
    """Each is followed in turn."""
    tree = _tree(a="b", b="c", c="pkg/__init__.py")

    assert tree.real("/var/task/a") == "/var/task/pkg/__init__.py"
    assert tree.is_file("/var/task/a")


@pytest.mark.parametrize(
    "links", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "a/a"}, {"a": "./a/../a"}]
)
def test_links_that_run_in_a_circle_lead_nowhere(links: dict[str, str]) -> None:
    """ELOOP, and in bounded time."""
    tree = _tree(**links)

    assert tree.real("/var/task/a") is None
    assert not tree.is_file("/var/task/a")
    assert not tree.is_dir("/var/task/a")
    assert tree.is_endless("/var/task/a")


def test_a_link_to_what_is_not_there_is_not_endless() -> None:
    """ENOENT; and when what was missing is added, nothing is remembered of it."""
    tree = _tree(a="nothing", b="b")

    assert not tree.is_endless("/var/task/a")
    assert tree.is_endless("/var/task/b")
    tree.add("/var/task/b", FILE)
    assert not tree.is_endless("/var/task/b")


@pytest.mark.parametrize(("count", "found"), [(40, True), (41, False)])
def test_forty_links_are_followed_and_no_more(count: int, *, found: bool) -> None:
    """MAXSYMLINKS of Linux."""
    links = {f"l{number}": f"l{number + 1}" for number in range(1, count)}
    tree = _tree(**links, **{f"l{count}": "pkg"})

    assert tree.is_dir("/var/task/l1") is found


def test_what_the_archive_says_of_a_path_is_not_followed() -> None:
    """`entry` is `lstat`: the link itself, its mode, its target; nothing for a mere parent."""
    tree = Tree(
        {"/a": Entry(Kind.SYMLINK, 0o777, "b"), "/b": Entry(Kind.FILE, 0o600), "/c/d": FILE}
    )

    assert tree.entry("/a") == Entry(Kind.SYMLINK, 0o777, "b")
    assert tree.entry("/b") == Entry(Kind.FILE, 0o600)
    assert tree.entry("/c") is None
    assert tree.entry("/e") is None


def test_files_and_links_come_in_the_order_of_the_artifact() -> None:
    """Folders are neither."""
    tree = Tree({"/b": FILE, "/z": _link("b"), "/a": FILE, "/d": FOLDER, "/c": _link("a")})

    assert list(tree.files()) == ["/b", "/a"]
    assert list(tree.links()) == ["/z", "/c"]


def test_a_tree_is_not_changed_by_what_it_was_made_of() -> None:
    """It has its own copy."""
    entries = {"/a": FILE}
    tree = Tree(entries)
    entries["/b"] = FILE

    assert not tree.is_file("/b")
    assert list(tree.files()) == ["/a"]


def test_others_do_not_see_what_lies_in_a_folder_that_they_may_not_enter() -> None:
    tree = Tree(
        {
            "/closed": Entry(Kind.DIRECTORY, 0o744),
            "/closed/a.py": Entry(Kind.FILE, 0o644),
            "/link.py": Entry(Kind.SYMLINK, target="closed/a.py"),
        }
    )

    others = tree.seen_by_others()

    assert tree.is_file("/closed/a.py")
    assert not others.is_file("/closed/a.py")
    assert not others.is_file("/link.py")
    assert others.children("/closed") == {"a.py"}


def test_others_do_not_list_what_they_may_open_by_name() -> None:
    tree = Tree(
        {"/blind": Entry(Kind.DIRECTORY, 0o711), "/blind/a.py": Entry(Kind.FILE, 0o600)}
    ).seen_by_others()

    assert tree.children("/blind") == frozenset()
    assert tree.is_file("/blind/a.py")
    assert not tree.may_read("/blind/a.py")


def test_where_every_folder_is_open_others_see_the_same() -> None:
    tree = Tree({"/open": Entry(Kind.DIRECTORY, 0o755), "/open/a.py": Entry(Kind.FILE, None)})

    assert tree.seen_by_others() is tree
    assert tree.may_read("/open/a.py")
