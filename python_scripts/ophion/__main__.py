"""The ``ophion`` program, for ``python -m ophion`` and for the command that pip installs: the compiled one, with this Python."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn


def program() -> Path:
    """The compiled program: in a wheel inside the package, in an installation and in a build tree in bin/ of the prefix."""
    package = Path(__file__).parent
    places = [package / "bin" / "ophion", *(folder / "bin" / "ophion" for folder in package.parents[3:4])]
    for place in places:
        if place.is_file():
            return place
    raise SystemExit(f"ophion: the program is in none of {', '.join(map(str, places))}")


def main() -> NoReturn:
    """Become the compiled program. It starts the Python of this environment unless OPHION_PYTHON says otherwise."""
    file = program()
    os.environ.setdefault("OPHION_PYTHON", sys.executable)
    os.execv(file, ["ophion", *sys.argv[1:]])


if __name__ == "__main__":
    main()
