"""What is built needs no Python to be opened."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_that_is_installed_needs_libpython(build_folder):
    built = [build_folder / "bin" / "ophion", *build_folder.glob("lib/**/*.so*")]
    built = [file for file in built if file.is_file() and not file.is_symlink() or file.name == "ophion"]
    names = {file.name.partition(".so")[0] for file in built}
    assert {"libophion_core", "libophion_pymethods", "pytorch_method", "sklearn_method", "root_reader", "write_scores_tool"} <= names
    for file in built:
        needed = re.findall(r"NEEDED.*\[(.*)\]", subprocess.run(["readelf", "-d", file], capture_output=True, text=True).stdout)
        assert needed, f"{file}: readelf says nothing"
        assert not [name for name in needed if "python" in name.lower()], f"{file} needs {needed}"


def test_public_headers_include_only_the_standard_library_and_each_other():
    headers = [*ROOT.glob("core/include/ophion/*.h"), *ROOT.glob("pymethods/include/ophion/*.h")]
    assert len(headers) > 10
    for header in headers:
        for name in re.findall(r"^\s*#\s*include\s*[<\"]([^>\"]+)", header.read_text(), re.M):
            assert name.startswith("ophion/") or re.fullmatch(r"[a-z_]+", name), f"{header.name} includes {name}"


@pytest.mark.parametrize("name", ["Python.h", "numpy/", "nlohmann"])
def test_only_one_room_knows(name):
    allowed = {"Python.h": "pymethods", "numpy/": "pymethods", "nlohmann": "core"}[name]
    rooms = ("native", "core", "pymethods", "plugins", "cli", "examples")
    files = [file for room in rooms for file in (ROOT / room).rglob("*") if file.suffix in (".h", ".cpp")]
    users = [file for file in files if re.search(rf"#\s*include\s*[<\"]{re.escape(name)}", file.read_text())]
    assert users and all(file.parent == ROOT / allowed for file in users), users
