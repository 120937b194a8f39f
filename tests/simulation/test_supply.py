"""S04: an install whose hash is not the locked one fails, with the flags that the Makefile and the Dockerfile use."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

NAME, VERSION = "hbsupply", "1.0"
FLAGS = ("--no-deps", "--require-hashes")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel of one module, made by hand: nothing is fetched and nothing is built."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    path = folder / f"{NAME}-{VERSION}-py3-none-any.whl"
    info = f"{NAME}-{VERSION}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{NAME}.py", "WORD = 'what was locked'\n")
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", f"{NAME}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


def install(wheel: Path, digest: str, version: str = VERSION) -> tuple[int, str, Path]:
    """Install from a lock that says `digest`, without a network; exit code, words, and where it would stand."""
    lock, target = wheel.parent / "requirements.lock", wheel.parent / "installed"
    lock.write_text(f"{NAME}=={version} --hash=sha256:{digest}\n", "utf-8")
    words = [
        "install",
        "--no-index",
        "--find-links",
        str(wheel.parent),
        "--target",
        str(target),
        *FLAGS,
        "-r",
        str(lock),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, target / f"{NAME}.py"


def test_s04_a_hash_that_is_not_the_locked_one_fails_the_install(wheel: Path) -> None:
    locked = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with zipfile.ZipFile(wheel, "a") as file:
        file.writestr("sitecustomize.py", "print('what nobody locked')\n")
    code, said, module = install(wheel, locked)
    assert code != 0
    assert "DO NOT MATCH THE HASHES" in said
    assert not module.exists()


def test_s04_a_yanked_or_missing_pin_fails_the_install(wheel: Path) -> None:
    code, said, module = install(wheel, hashlib.sha256(wheel.read_bytes()).hexdigest(), version="1.1")
    assert code != 0
    assert "No matching distribution" in said
    assert not module.exists()


def test_s04_the_locked_one_installs_and_every_install_of_the_house_asks_for_hashes(wheel: Path, root: Path) -> None:
    code, said, module = install(wheel, hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert code == 0, said
    assert module.exists()
    for name in ("Makefile", "Dockerfile"):
        text = (root / name).read_text("utf-8").replace("\\\n", " ")
        installs = [line for line in text.splitlines() if "pip install" in line and " -r " in line]
        assert installs, name
        assert all(flag in line for line in installs for flag in FLAGS), (name, installs)
