"""A function and its layers as one tree: what is found, what hides what, what is not searched."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pytest
from tests.factories import write_zip

from abicheck.artifacts import DEFAULT_LIMITS, open_artifact
from abicheck.errors import UsageError
from abicheck.model import Irregular, Location, Report, TargetProfile, Verdict
from abicheck.pipeline import check, check_all
from abicheck.pipeline._function import is_layer, layer_names
from abicheck.profiles import load_profile

SITE: Final = "python/lib/python3.13/site-packages/"
# What every module has: these are about the import, and not about what is taken from it.
HANDLER: Final = "app.__class__"
CORE: Final = "pydantic_core/_pydantic_core.cpython-313-x86_64-linux-gnu.so"

Files = Mapping[str, Any]


@pytest.fixture
def core(fixtures: Path) -> bytes:
    """An extension that loads on the target as `pydantic_core._pydantic_core`."""
    with zipfile.ZipFile(fixtures / "dashboard-good.zip") as archive:
        return archive.read(CORE)


class Function:
    """A function whose archives are written as they are named."""

    def __init__(self, folder: Path, target: TargetProfile) -> None:
        self.folder = folder
        self.target = target

    def __call__(
        self,
        own: Files,
        *layers: Files,
        handler: str | None = HANDLER,
        environment: Mapping[str, str] | None = None,
        target: TargetProfile | None = None,
        size_budget: int | None = None,
    ) -> Report:
        artifact = write_zip(self.folder / "function.zip", own)
        paths = [
            write_zip(self.folder / f"layer{index}.zip", files)
            for index, files in enumerate(layers, 1)
        ]
        return check(
            artifact,
            target or self.target,
            handler=handler,
            layers=paths,
            environment=environment or {},
            size_budget=size_budget,
        )


@pytest.fixture
def function(tmp_path: Path, target: TargetProfile) -> Function:
    return Function(tmp_path, target)


def codes(report: Report) -> list[str]:
    return [f"{found.rule.code} {found.severity}" for found in report.findings]


def said(report: Report) -> str | None:
    """What importing the handler's module says; None where it is imported."""
    assert report.handler is not None
    if report.handler.verdict is Verdict.LOADS:
        return None
    assert report.handler.failure is not None
    return report.handler.failure.message


# --- what is found ---


@pytest.mark.parametrize("folder", ["python/", SITE])
def test_what_a_layer_brings_is_imported(function: Function, folder: str) -> None:
    report = function({"app.py": "import dep"}, {f"{folder}dep.py": ""})

    assert (said(report), codes(report)) == (None, [])
    assert report.inventory.packages == ("app", "dep")


def test_without_its_layer_the_function_fails(function: Function) -> None:
    assert said(function({"app.py": "import dep"})) == "No module named 'dep'"


def test_an_extension_of_a_layer_is_judged_where_it_lies(function: Function, core: bytes) -> None:
    report = function(
        {"app.py": "import pydantic_core._pydantic_core"},
        {"python/pydantic_core/__init__.py": "", f"python/{CORE}": core},
    )

    (item,) = report.objects
    assert codes(report) == []
    assert item.location == Location(PurePosixPath("python", CORE), "layer1.zip")
    assert str(item.path) == f"/opt/python/{CORE}"
    assert item.prediction is not None
    assert item.prediction.verdict is Verdict.LOADS


def test_a_finding_names_the_layer_and_its_distribution(function: Function, core: bytes) -> None:
    wrong = CORE.replace("313", "311")
    report = function(
        {"app.py": "import pydantic_core._pydantic_core"},
        {
            "python/pydantic_core/__init__.py": "",
            f"python/{wrong}": core,
            "python/pydantic_core-2.0.dist-info/METADATA": "Name: pydantic_core\nVersion: 2.0\n",
            "python/pydantic_core-2.0.dist-info/RECORD": f"{wrong},,\n",
        },
    )

    (found,) = report.findings
    assert found.rule.code == "ABI201"
    assert found.fault.location == Location(PurePosixPath("python", wrong), "layer1.zip")
    assert found.fault.origin == "layer layer1.zip"
    assert str(found.distribution) == "pydantic_core 2.0"
    assert found.distribution is not None
    assert found.distribution.location.layer == "layer1.zip"


def test_where_an_import_failed_is_said_with_the_layer(function: Function) -> None:
    report = function({"app.py": "import dep"}, {"python/dep.py": "import gone"})

    (found,) = report.findings
    assert (found.rule.code, str(found.fault.location)) == ("ABI602", "layer1.zip:python/dep.py")
    assert [str(site) for site in found.fault.via] == ["app.py:1", "/opt/python/dep.py:1"]


def test_a_library_in_the_lib_of_a_layer_is_found(function: Function, fixtures: Path) -> None:
    """LD_LIBRARY_PATH has /opt/lib at its end."""
    with zipfile.ZipFile(fixtures / "cases" / "first-of-two-missing-libraries.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    before = function({"app.py": "import mod", **members})
    needed = next(f.fault.subject for f in before.findings)
    report = function({"app.py": "import mod", **members}, {f"lib/{needed}": b"not ELF at all"})

    assert said(before) == f"{needed}: cannot open shared object file: No such file or directory"
    assert said(report) == f"/opt/lib/{needed}: file too short"


# --- what hides what ---


def test_a_later_layer_lies_over_an_earlier_one_file_by_file(function: Function) -> None:
    report = function(
        {"app.py": "from dep import a, b"},
        {"python/dep/__init__.py": "from dep.old import a", "python/dep/old.py": "a = 1"},
        {"python/dep/__init__.py": "from dep.old import a\nb = 2"},
    )

    assert (said(report), codes(report)) == (None, [])


def test_a_file_that_is_covered_is_not_judged(function: Function, core: bytes) -> None:
    packed = {"python/pydantic_core/__init__.py": "", f"python/{CORE}": b"text, and no ELF"}
    report = function(
        {"app.py": "import pydantic_core._pydantic_core"}, packed, {f"python/{CORE}": core}
    )

    assert codes(report) == []
    assert [item.location.layer for item in report.objects] == ["layer2.zip"]


def test_what_is_covered_counts_all_the_same(function: Function) -> None:
    """Lambda adds up what each layer has, whatever is seen of it."""
    report = function({"app.py": ""}, {"python/a.py": "x" * 100}, {"python/a.py": "x" * 10})

    assert report.inventory.counts.size == 110
    assert [layer.counts.size for layer in report.inventory.layers] == [100, 10]


def test_the_function_hides_the_package_of_a_layer(function: Function, core: bytes) -> None:
    """The function's own package wins, and what lies behind it is never opened."""
    report = function(
        {"app.py": "import pydantic_core._pydantic_core", "pydantic_core/__init__.py": ""},
        {"python/pydantic_core/__init__.py": "", f"python/{CORE}": core},
    )

    assert said(report) == "No module named 'pydantic_core._pydantic_core'"
    assert "ABI602 error" in codes(report)


def test_a_broken_copy_behind_a_sound_one_is_no_fault(function: Function, core: bytes) -> None:
    report = function(
        {
            "app.py": "import pydantic_core._pydantic_core",
            "pydantic_core/__init__.py": "",
            CORE: core,
        },
        {"python/pydantic_core/__init__.py": "", f"python/{CORE}": b"text, and no ELF"},
    )

    assert (said(report), codes(report)) == (None, [])


def test_site_packages_of_a_layer_comes_before_its_python_folder(function: Function) -> None:
    report = function(
        {"app.py": "from dep import site"},
        {"python/dep.py": "plain = 1"},
        {f"{SITE}dep.py": "site = 1"},
    )

    assert said(report) is None


def test_a_namespace_package_has_portions_in_function_and_layers(
    function: Function, core: bytes
) -> None:
    report = function(
        {"app.py": "import ns.a, ns.b._pydantic_core", "ns/a.py": ""},
        {"python/ns/b/__init__.py": "", f"python/ns/b/{CORE.rpartition('/')[2]}": core},
    )

    assert (said(report), codes(report)) == (None, [])


def test_a_package_with_an_init_hides_the_portions_of_a_namespace(function: Function) -> None:
    report = function(
        {"app.py": "import ns.b", "ns/__init__.py": "", "ns/a.py": ""}, {"python/ns/b.py": ""}
    )

    assert said(report) == "No module named 'ns.b'"


def test_a_package_that_extends_its_path_hides_nothing(function: Function, core: bytes) -> None:
    """pkgutil.extend_path: the parts of `google` that came as packages of their own."""
    init = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    report = function(
        {"app.py": "import ns.b._pydantic_core", "ns/__init__.py": init},
        {
            "python/ns/__init__.py": init,
            "python/ns/b/__init__.py": "",
            f"python/ns/b/{CORE.rpartition('/')[2]}": core,
        },
    )

    assert "ABI602 error" not in codes(report)
    assert [item.module for item in report.objects] == ["ns.b._pydantic_core"]


@pytest.mark.parametrize(
    ("lower", "upper", "detail"),
    [
        ({"python/x": ""}, {"python/x/y.py": ""}, "a folder, and a file in layer1.zip"),
        ({"python/x": ""}, {"python/x/": "", "python/x/y.py": ""}, "a folder, and a file in"),
        ({"python/x/y.py": ""}, {"python/x": ""}, "a file, and a folder in layer1.zip"),
        ({"python/x/": ""}, {"python/x": ""}, "a file, and a folder in layer1.zip"),
    ],
)
def test_a_file_in_one_layer_and_a_folder_in_another_clash(
    function: Function, lower: Files, upper: Files, detail: str
) -> None:
    report = function({"app.py": ""}, lower, upper)

    (found,) = report.findings
    assert codes(report) == ["ABI625 warning"]
    assert found.fault.location == Location(PurePosixPath("python/x"), "layer2.zip")
    assert found.fault.message.startswith(detail)


def test_of_a_file_and_a_folder_the_later_counts(function: Function) -> None:
    report = function({"app.py": "import x.y"}, {"python/x": ""}, {"python/x/y.py": ""})

    assert said(report) is None


@pytest.mark.parametrize("name", ["python/", "python/x/"])
def test_folders_that_several_layers_have_are_one(function: Function, name: str) -> None:
    layers = [{name: "", f"python/x/{n}.py": ""} for n in "ab"]

    assert codes(function({"app.py": "import x.a, x.b"}, *layers)) == []


# --- .pth files, links ---


def test_path_files_of_layers_are_read(function: Function) -> None:
    """`site.addsitedir` is called for /var/task and for both folders of the layers."""
    report = function(
        {"app.py": "import dep, other"},
        {"python/x.pth": "vendored\n", "python/vendored/dep.py": ""},
        {f"{SITE}y.pth": "more\n", f"{SITE}more/other.py": ""},
    )

    assert said(report) is None


def test_with_pythonpath_no_path_file_of_a_layer_is_read(function: Function) -> None:
    report = function(
        {"app.py": "import dep"},
        {"python/x.pth": "vendored\n", "python/vendored/dep.py": ""},
        environment={"PYTHONPATH": "/opt/python"},
    )

    assert said(report) == "No module named 'dep'"


def test_a_path_file_elsewhere_in_a_layer_is_none(function: Function) -> None:
    report = function(
        {"app.py": "import dep"}, {"x.pth": "vendored\n", "vendored/dep.py": "", "lib/x": ""}
    )

    assert said(report) == "No module named 'dep'"


def _with_link(path: Path, files: Files, name: str, leads: str) -> Path:
    write_zip(path, files)
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, leads)
    return path


@pytest.mark.parametrize("leads", ["real", "/opt/python/real"])
def test_links_of_a_layer_lead_on_below_opt(
    tmp_path: Path, target: TargetProfile, leads: str
) -> None:
    layer = _with_link(tmp_path / "l.zip", {"python/real/dep.py": ""}, "python/linked", leads)
    own = write_zip(tmp_path / "f.zip", {"app.py": "import linked.dep"})
    report = check(own, target, handler=HANDLER, layers=[layer])

    assert (said(report), codes(report)) == (None, [])


def test_a_link_of_a_layer_that_leads_nowhere_is_the_layers_fault(
    tmp_path: Path, target: TargetProfile
) -> None:
    layer = _with_link(tmp_path / "l.zip", {"python/a.py": ""}, "python/dep.py", "/opt/gone.py")
    own = write_zip(tmp_path / "f.zip", {"app.py": "import dep"})
    report = check(own, target, handler=HANDLER, layers=[layer])

    (found,) = report.findings
    assert found.rule.code == "ABI603"
    assert str(found.fault.location) == "l.zip:python/dep.py"
    assert found.fault.module == "dep"
    assert found.fault.message == "leads to /opt/gone.py, which is not in the artifact"


def test_a_link_that_leads_back_to_itself_is_not_said_to_lead_to_what_is_missing(
    tmp_path: Path, target: TargetProfile
) -> None:
    layer = _with_link(tmp_path / "l.zip", {"python/a.py": ""}, "python/dep.py", "dep.py")
    own = write_zip(tmp_path / "f.zip", {"app.py": "import dep"})
    report = check(own, target, handler=HANDLER, layers=[layer])

    (found,) = report.findings
    assert (found.rule.code, found.fault.module) == ("ABI603", "dep")
    assert "through more links than Linux follows" in found.fault.message
    assert "not in the artifact" not in found.fault.message


# --- what is not searched ---


def test_the_folder_of_another_python_is_not_searched(function: Function) -> None:
    layer = {"python/lib/python3.8/site-packages/dep.py": ""}
    report = function({"app.py": "import dep"}, layer)

    (found,) = report.findings
    assert codes(report) == ["ABI621 error"]
    assert found.fault.failure is not None
    assert found.fault.failure.message == said(report) == "No module named 'dep'"
    assert str(found.fault.via[0]) == "app.py:1"


def test_on_its_own_python_the_same_layer_is_searched(function: Function) -> None:
    layer = {"python/lib/python3.12/site-packages/dep.py": ""}
    target = load_profile("lambda-python3.12-x86_64")

    assert codes(function({"app.py": "import dep"}, layer, target=target)) == []


def test_a_layer_for_several_pythons_is_no_fault(function: Function) -> None:
    layer = {f"python/lib/python3.{n}/site-packages/dep.py": "" for n in (11, 12, 13)}

    assert codes(function({"app.py": "import dep"}, layer)) == []


def test_a_guarded_import_of_what_is_not_searched_is_a_warning(function: Function) -> None:
    source = "try:\n    import dep\nexcept ImportError:\n    dep = None\n"
    layer = {"python/lib/python3.8/site-packages/dep.py": ""}

    assert codes(function({"app.py": source}, layer)) == ["ABI621 warning"]


def test_a_layer_of_no_use_is_a_warning(function: Function) -> None:
    """Nothing fails for want of it, and it is there for nothing."""
    layer = {"python/lib/python3.8/site-packages/dep.py": "import dep"}

    assert codes(function({"app.py": ""}, layer)) == ["ABI621 warning"]


def test_extensions_that_nothing_searches_are_not_judged(function: Function) -> None:
    """Once is enough: the folder is the fault."""
    layer = {
        "python/lib/python3.8/site-packages/dep/__init__.py": "",
        "python/lib/python3.8/site-packages/dep/mod.cpython-38-x86_64-linux-gnu.so": b"no ELF",
        "python/lib/python3.8/site-packages/dep/old.pyc": b"\x55\x0d\x0d\x0a",
    }

    assert codes(function({"app.py": "import dep"}, layer)) == ["ABI621 error"]


@pytest.mark.parametrize(
    "folder",
    ["", "layer/python/", "python/python/", "lib/python3.13/site-packages/"],
)
def test_modules_beside_the_folders_that_are_searched(function: Function, folder: str) -> None:
    report = function({"app.py": "import dep"}, {f"{folder}dep/__init__.py": ""})

    assert codes(report) == ["ABI622 error"]


def test_what_is_taken_for_a_package_in_opt(function: Function) -> None:
    """A folder of modules under a name that nobody packs them in: `site` could be one itself."""
    report = function({"app.py": "import dep"}, {"site/dep/__init__.py": ""})

    assert codes(report) == ["ABI602 error", "ABI622 warning"]


@pytest.mark.parametrize("folder", ["extensions/", "bin/", "etc/", "nodejs/"])
def test_what_others_look_for_in_opt_is_no_stray(function: Function, folder: str) -> None:
    report = function({"app.py": ""}, {f"{folder}tool.py": "", "python/dep.py": ""})

    assert codes(report) == []


def test_code_of_an_extension_lies_beside_it(function: Function) -> None:
    """AWS's own samples: extensions/NAME starts what lies in a folder of that name."""
    layer = {"extensions/ship-logs": "#!/bin/sh", "ship_logs/main.py": ""}

    assert codes(function({"app.py": ""}, layer)) == []


# --- variables ---


def test_pythonpath_takes_the_layers_away(function: Function) -> None:
    report = function(
        {"app.py": "import dep"}, {"python/dep.py": ""}, environment={"PYTHONPATH": "/x"}
    )

    assert said(report) == "No module named 'dep'"
    assert codes(report) == ["ABI623 error"]


@pytest.mark.parametrize("path", ["/opt/python", "/x:/opt/python", "../../opt/python/"])
def test_pythonpath_may_name_the_layers(function: Function, path: str) -> None:
    report = function(
        {"app.py": "import dep"}, {"python/dep.py": ""}, environment={"PYTHONPATH": path}
    )

    assert (said(report), codes(report)) == (None, [])


@pytest.mark.parametrize("path", ["lib", "/var/task/lib", ".:lib"])
def test_pythonpath_adds_folders_of_the_function(function: Function, path: str) -> None:
    report = function({"app.py": "import dep", "lib/dep.py": ""}, environment={"PYTHONPATH": path})

    assert said(report) is None


def test_an_empty_pythonpath_takes_the_layers_away_too(function: Function) -> None:
    """The bootstrap asks whether the variable is there, and not what it says."""
    report = function(
        {"app.py": "import dep"}, {"python/dep.py": ""}, environment={"PYTHONPATH": ""}
    )

    assert codes(report) == ["ABI623 error"]


def test_a_variable_of_the_function_is_known_to_its_code(function: Function) -> None:
    source = "import os\nif os.environ.get('WITH') == 'dep':\n    import dep\n"

    assert said(function({"app.py": source})) is None
    assert said(function({"app.py": source}, environment={"WITH": "dep"})) == (
        "No module named 'dep'"
    )


def test_a_library_path_of_the_functions_own_replaces_lambdas(
    function: Function, fixtures: Path
) -> None:
    with zipfile.ZipFile(fixtures / "cases" / "first-of-two-missing-libraries.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    needed = next(f.fault.subject for f in function({"app.py": "import mod", **members}).findings)
    layer = {f"native/{needed}": b"no ELF", "lib/keep": ""}
    own = {"app.py": "import mod", **members}
    environment = {"LD_LIBRARY_PATH": "/var/lang/lib:/opt/native"}

    assert said(function(own, layer, environment=environment)) == (
        f"/opt/native/{needed}: file too short"
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/opt/lib", ["ABI631 warning"]),
        ("", ["ABI631 warning"]),
        ("/opt/lib:/var/lang/lib/", []),
        ("/var/lang/lib;/opt/lib", []),
    ],
)
def test_a_library_path_without_libpython(
    function: Function, path: str, expected: list[str]
) -> None:
    report = function({"app.py": ""}, environment={"LD_LIBRARY_PATH": path})

    assert codes(report) == expected


@pytest.mark.parametrize(
    ("wrapper", "mode", "expected"),
    [
        ("/opt/wrap", 0o755, []),
        ("/opt/wrap", 0o644, ["/opt/wrap: is not an executable"]),
        ("/opt/gone", 0o755, ["/opt/gone: does not exist"]),
        ("/opt/bin", 0o755, ["/opt/bin: is not an executable"]),
        ("/bin/sh", 0o755, []),
    ],
)
def test_a_wrapper_is_there_and_executable(
    tmp_path: Path, target: TargetProfile, wrapper: str, mode: int, expected: list[str]
) -> None:
    """What lies outside of the function is not known file by file."""
    layer = tmp_path / "l.zip"
    with zipfile.ZipFile(layer, "w") as archive:
        for name in ("wrap", "bin/tool"):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, (stat.S_IFREG | mode) << 16
            archive.writestr(info, "#!/bin/sh\n")
    own = write_zip(tmp_path / "f.zip", {"app.py": ""})
    environment = {"AWS_LAMBDA_EXEC_WRAPPER": wrapper}
    report = check(own, target, handler=HANDLER, layers=[layer], environment=environment)

    assert [found.fault.message for found in report.findings] == expected


@pytest.mark.parametrize(
    ("home", "expected"),
    [("/var/lang", []), ("/usr", []), ("/var/task", ["ABI633 error"]), ("/opt/py", [])],
)
def test_python_home_has_a_standard_library(
    function: Function, home: str, expected: list[str]
) -> None:
    layer = {"py/lib/python3.13/encodings/__init__.py": "", "bin/x": ""}
    report = function({"app.py": ""}, layer, environment={"PYTHONHOME": home})

    assert codes(report) == expected


def test_what_is_preloaded_is_said_not_to_be_followed(function: Function) -> None:
    report = function({"app.py": ""}, environment={"LD_PRELOAD": "/opt/lib/libx.so"})

    assert codes(report) == ["ABI634 note"]


# --- how many, how large ---


def test_five_layers_are_taken_and_six_are_not(function: Function) -> None:
    layers = [{f"python/dep{n}.py": ""} for n in range(6)]

    assert codes(function({"app.py": ""}, *layers[:5])) == []
    assert codes(function({"app.py": ""}, *layers)) == ["ABI624 error"]


def test_function_and_layers_are_weighed_together(function: Function) -> None:
    limited = replace(function.target, limits={"unzipped": 300, "zipped_upload": 50 << 20})
    own = {"app.py": "#" * 150}

    assert codes(function(own, {"python/dep.py": "#" * 150}, target=limited)) == []
    report = function(own, {"python/dep.py": "#" * 151}, target=limited)
    (found,) = report.findings
    assert codes(report) == ["ABI010 error"]
    assert found.fault.message.startswith("301 bytes unpacked (0.3 KiB), 1 more than the 300")
    assert found.fault.why == "the largest: dep.py (layer1.zip) 0.1 KiB, app.py 0.1 KiB"


def test_distributions_are_weighed_as_a_whole(function: Function) -> None:
    metadata = "Name: dep\nVersion: 1.0\n"
    record = "dep/__init__.py,,\ndep.libs/x.txt,,\ndep-1.0.dist-info/METADATA,,\n"
    own = {
        "app.py": "",
        "dep/__init__.py": "#" * 100,
        "dep.libs/x.txt": "#" * 100,
        "dep-1.0.dist-info/METADATA": metadata,
        "dep-1.0.dist-info/RECORD": record,
    }
    (found,) = function(own, size_budget=1).findings

    assert found.fault.evidence == (f"{200 + len(metadata) + len(record)} dep 1.0", "0 app.py")


def test_each_zip_is_held_against_what_one_request_takes(function: Function) -> None:
    limited = replace(function.target, limits={"unzipped": 1 << 20, "zipped_upload": 200})
    report = function({"app.py": ""}, {"python/dep.py": "#" * 500}, target=limited)

    (found,) = report.findings
    assert codes(report) == ["ABI011 warning"]
    assert str(found.fault.location) == "layer1.zip:."


@pytest.mark.parametrize(("budget", "expected"), [(10, []), (9, ["ABI012 error"])])
def test_a_budget_is_kept_to_the_byte(function: Function, budget: int, expected: list[str]) -> None:
    assert codes(function({"app.py": "#" * 10}, size_budget=budget)) == expected


# --- a layer by itself ---


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["python/dep.py"], True),
        (["python/lib/python3.8/site-packages/dep.py"], True),
        (["python/dep.py", "lib/libx.so.1", "bin/tool", "README.md", "LICENSE"], True),
        (["lib/libx.so.1"], True),
        (["python/__init__.py", "python/dep.py"], False),
        (["python/dep.py", "app.py"], False),
        (["python/dep.py", "app/__init__.py"], False),
        (["python/dep.py", "dep-1.0.dist-info/METADATA"], False),
        (["lib/dep.py"], False),
        (["lib/python3.13/site-packages/dep.py", "bin/python", "pyvenv.cfg"], False),
        (["app.py"], False),
        (["data/x.txt"], False),
    ],
)
def test_a_layer_is_told_by_its_folders(
    tmp_path: Path, names: list[str], *, expected: bool
) -> None:
    path = write_zip(tmp_path / "x.zip", dict.fromkeys(names, ""))
    folder = tmp_path / "folder"
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()

    for source in (path, folder):
        with open_artifact(source, DEFAULT_LIMITS) as artifact:
            assert is_layer(artifact) is expected, source.name


def test_a_layer_by_itself_is_judged_in_opt(
    tmp_path: Path, target: TargetProfile, core: bytes
) -> None:
    files: Files = {"python/pydantic_core/__init__.py": "", f"python/{CORE}": core}
    report = check(write_zip(tmp_path / "l.zip", files), target)

    assert report.inventory.is_layer
    assert [str(item.path) for item in report.objects] == [f"/opt/python/{CORE}"]
    assert report.objects[0].module == "pydantic_core._pydantic_core"
    assert codes(report) == []


def test_what_a_layer_lacks_may_be_in_the_function(tmp_path: Path, target: TargetProfile) -> None:
    path = write_zip(tmp_path / "l.zip", {"python/dep.py": "import elsewhere"})

    assert check(path, target).packages[0].prediction.verdict is Verdict.LOADS


def test_a_layer_by_itself_for_another_python_is_of_no_use(
    tmp_path: Path, target: TargetProfile
) -> None:
    path = write_zip(tmp_path / "l.zip", {"python/lib/python3.8/site-packages/dep.py": ""})

    assert codes(check(path, target)) == ["ABI621 error"]


def test_who_names_a_handler_means_a_function(tmp_path: Path, target: TargetProfile) -> None:
    path = write_zip(tmp_path / "f.zip", {"python/app.py": ""})
    report = check(path, target, handler="python/app.__class__")

    assert not report.inventory.is_layer
    assert said(report) is None


# --- requests that cannot be carried out ---


def test_a_wheel_is_no_layer(tmp_path: Path, target: TargetProfile) -> None:
    own = write_zip(tmp_path / "f.zip", {"app.py": ""})
    wheel = write_zip(tmp_path / "d.whl", {"d.py": "", "d-1.dist-info/WHEEL": "Tag: x\n"})

    with pytest.raises(UsageError, match="pip install --target python"):
        check(own, target, layers=[wheel])
    with pytest.raises(UsageError, match="function's ZIP or folder"):
        check(wheel, target, layers=[own])


def test_functions_of_images_have_no_layers(tmp_path: Path, target: TargetProfile) -> None:
    layer = write_zip(tmp_path / "l.zip", {"python/dep.py": ""})
    image = load_profile("lambda-python3.13-x86_64-image")
    message = "Lambda layers are not supported for functions created with container images"

    with pytest.raises(UsageError, match=message):
        check(layer, image, layers=[layer])
    with pytest.raises(UsageError, match=message):
        check("docker:app", target, layers=[layer])


def test_a_damaged_layer_is_a_finding(tmp_path: Path, target: TargetProfile) -> None:
    own = write_zip(tmp_path / "f.zip", {"app.py": ""})
    layer = tmp_path / "l.zip"
    layer.write_bytes(b"no ZIP")
    report = check(own, target, layers=[layer])

    (found,) = report.findings
    assert (found.rule.code, str(found.fault.location)) == ("ABI001", "l.zip:.")


def test_layers_of_one_name_are_told_by_their_paths() -> None:
    paths = (Path("a", "l.zip"), Path("b", "l.zip"), Path("c", "m.zip"))

    assert layer_names(paths) == (str(paths[0]), str(paths[1]), "m.zip")


def test_a_layer_may_be_a_folder(tmp_path: Path, target: TargetProfile) -> None:
    own = write_zip(tmp_path / "f.zip", {"app.py": "import dep"})
    (tmp_path / "layer" / "python").mkdir(parents=True)
    (tmp_path / "layer" / "python" / "dep.py").touch()
    report = check(own, target, handler=HANDLER, layers=[tmp_path / "layer"])

    assert said(report) is None
    assert [(layer.sha256, layer.packed) for layer in report.inventory.layers] == [(None, None)]


def test_a_layer_fits_some_runtimes_and_not_others(tmp_path: Path) -> None:
    own = write_zip(tmp_path / "f.zip", {"app.py": "import dep"})
    layer = write_zip(tmp_path / "l.zip", {f"{SITE}dep.py": ""})
    profiles = [load_profile(f"lambda-python3.{minor}-x86_64") for minor in (12, 13)]
    reports = check_all(own, profiles, handler=HANDLER, layers=[layer])

    assert [codes(report) for report in reports] == [["ABI621 error"], []]


def test_a_zip_in_a_layer_is_named_with_the_layer(function: Function) -> None:
    report = function({"app.py": ""}, {"python/inner.zip": b"PK\x03\x04" + bytes(40)})
    nested = [i for i in report.inventory.irregularities if i.kind is Irregular.NESTED_ARCHIVE]

    assert [str(irregularity.location) for irregularity in nested] == [
        "layer1.zip:python/inner.zip"
    ]
