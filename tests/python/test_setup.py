"""scripts/setup.sh on machines of all kinds: apt, sudo, Python and pip are stand-ins that note what they are asked for."""

import shutil
import subprocess

import pytest
from conftest import ROOT

TOOLS = ("bash", "cat", "chmod", "cut", "dirname", "env", "grep", "mkdir", "rm", "sha256sum", "true")
STAND_INS = {
    "dpkg-query": 'for package; do :; done; grep -qx "$package" missing || echo installed',
    "apt-get": 'echo "apt-get $*" >>asked; case "$*" in *install*) : >missing ;; esac',
    "id": 'echo "${USER_ID:-1000}"',
    "sudo": '[ -n "${MAY_SUDO:-}" ] || exit 1; [ "$1" = -n ] && shift; echo sudo >>asked; exec "$@"',
    "python3": """\
case "$1" in
  -c) cat python_says ;;
  -m) echo "venv" >>asked; rm -rf .venv; mkdir -p .venv/bin
      printf '#!/bin/sh\\nfor last; do :; done\\n[ $last = check ] || echo "pip $last" >>asked\\n' >.venv/bin/python
      chmod +x .venv/bin/python ;;
esac""",
}


class Machine:
    def __init__(self, folder):
        self.folder = folder
        (folder / "scripts").mkdir()
        (folder / "bin").mkdir()
        shutil.copy(ROOT / "scripts" / "setup.sh", folder / "scripts")
        for name in TOOLS:
            (folder / "bin" / name).symlink_to(shutil.which(name))
        for name, text in STAND_INS.items():
            (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / "bin" / name).chmod(0o755)
        self.write("missing", "")
        self.write("python_says", "3.11.7 /usr\n")
        self.write("requirements.lock", "numpy==2.4.6\n")
        self.write("requirements-test.lock", "pytest==9.0.0\n")

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def set_up(self, *arguments, status=0, **environment):
        """What it says, and what it asked the stand-ins for."""
        self.write("asked", "")
        environment = {"PATH": str(self.folder / "bin"), **environment}
        done = subprocess.run(["scripts/setup.sh", *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stderr, (self.folder / "asked").read_text().splitlines()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_what_is_missing_is_named_in_one_message_where_nobody_may_install(machine):
    machine.write("missing", "cmake\nlibzip-dev\n")
    said, asked = machine.set_up(status=1)
    assert said == "Ophion needs system packages that are missing. As root:  apt-get install cmake libzip-dev\n"
    assert asked == []


@pytest.mark.parametrize(("may", "by"), [({"USER_ID": "0"}, []), ({"MAY_SUDO": "1"}, ["sudo"])])
def test_root_and_sudo_install_what_is_missing_and_only_that(machine, may, by):
    machine.write("missing", "cmake\nlibzip-dev\n")
    said, asked = machine.set_up(**may)
    assert "installing cmake libzip-dev" in said
    installing = "apt-get install -y -q --no-install-recommends cmake libzip-dev"
    assert [one for one in asked if one.startswith(("sudo", "apt-get"))][-2 * len(by) - 2 :] == [*by, "apt-get update -q", *by, installing]
    assert machine.set_up(**may)[1] == [], "a second time there is nothing to do"


def test_another_system_gets_a_list_and_a_way_on(machine):
    (machine.folder / "bin" / "apt-get").unlink()
    said, asked = machine.set_up(status=1)
    assert "On this system install, by its own package manager:" in said and "CMake 3.25 or newer" in said and asked == []
    assert "GoogleTest" not in said and "GoogleTest" in machine.set_up("test", status=1)[0]
    assert machine.set_up(OPHION_SKIP_SYSTEM_PACKAGES="1")[1][0] == "venv"


def test_an_old_python_is_named(machine):
    machine.write("python_says", "3.10.13 /usr\n")
    said, asked = machine.set_up(status=1)
    assert "Ophion needs Python 3.11 or newer; " in said and "python3 is 3.10.13 /usr" in said and "venv" not in asked


def test_the_environment_is_made_anew_when_its_python_or_the_lock_changes_and_only_then(machine):
    assert machine.set_up("test")[1] == ["venv", "pip requirements.lock", "pip requirements-test.lock"]
    assert machine.set_up("test")[1] == [] == machine.set_up()[1]
    machine.write("requirements-test.lock", "pytest==9.0.1\n")
    assert machine.set_up("test")[1] == ["pip requirements-test.lock"]
    for name, text in (("requirements.lock", "numpy==2.4.7\n"), ("python_says", "3.11.8 /usr\n"), ("python_says", "3.11.8 /opt\n")):
        machine.write(name, text)
        assert machine.set_up("test")[1] == ["venv", "pip requirements.lock", "pip requirements-test.lock"]
