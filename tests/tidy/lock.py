"""Write both lock files (`make lock`): the resolution is uv's, the header and what must not be in them is ours.

One universal resolution serves Python 3.11 to 3.13 on every platform, so a hash that is checked in CI is the hash that
runs in production. No address of an index and no path of a machine may get in; `test_locks.py` looks again.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

HEADER = """\
# {what}
# Written by `make lock` for Python 3.11 to 3.13 on every platform; edit pyproject.toml, not this file.
"""

LOCKS = {
    "requirements.lock": ("What runs: the product with the extras recordings and keyring.", ("recordings", "keyring")),
    "requirements-dev.lock": ("What runs, builds and checks: every extra.", ("recordings", "keyring", "dev")),
}


def resolve(extras: tuple[str, ...]) -> str:
    """The pinned and hashed requirements of the project with `extras` and its build backend."""
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml"),
        *("--quiet", "--no-config", "--universal", "--python-version", "3.11"),
        # One version of each package for all interpreters: what is tested on one runs on the others.
        *("--fork-strategy", "fewest", "--upgrade"),
        *("--generate-hashes", "--no-header", "--group", "build"),
        *(word for extra in extras for word in ("--extra", extra)),
    ]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Write the locks beside pyproject.toml."""
    for name, (what, extras) in LOCKS.items():
        (ROOT / name).write_text(HEADER.format(what=what) + resolve(extras), encoding="utf-8")


if __name__ == "__main__":
    main()
