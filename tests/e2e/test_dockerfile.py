"""The Dockerfile's own install steps, done in an empty environment from the tracked tree alone; and its hardening.

No container engine is needed: the build stage's COPY and RUN lines are taken from the Dockerfile itself, with its two
folders put elsewhere. A file that somebody forgot to copy, or a requirement without its hash, shows here.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.tidy.source import ROOT, tracked_files

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

UNREACHABLE = re.compile(
    r"NewConnectionError|ConnectTimeout|Failed to establish|Name or service not known|name resolution"
)


class Step(NamedTuple):
    """One instruction: its stage (counted from 0; -1 before the first FROM), its keyword and the rest of its line."""

    stage: int
    keyword: str
    words: str


def parse(text: str) -> list[Step]:
    """The instructions of a Dockerfile, continuation lines joined, comments dropped."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    steps: list[Step] = []
    stage = -1
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            keyword, _, words = line.strip().partition(" ")
            stage += keyword == "FROM"
            steps.append(Step(stage, keyword, " ".join(words.split())))
    return steps


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    return parse((ROOT / "Dockerfile").read_text("utf-8"))


def copy_tracked(words: str, target: Path) -> None:
    """What COPY does from the build context: every source must be there, folders are copied by their content."""
    *sources, place = words.split()
    tracked = tracked_files()
    for source in sources:
        chosen = [name for name in tracked if name == source or name.startswith(source + "/")]
        assert chosen, f"COPY {source}: not in the repository"
        for name in chosen:
            inside = Path(name).name if name == source else Path(name).relative_to(source)
            copy = target / place / inside
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy)


def run_step(words: str, source: Path, environment: Path) -> None:
    """One RUN line of the build stage; skips the test when the package index cannot be reached."""
    words = words.replace("/opt/hedgebot", shlex.quote(str(environment)))
    words = re.sub(r"^python ", f"{shlex.quote(sys.executable)} ", words)
    outer = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        ["bash", "-euc", words], cwd=source, env=outer, capture_output=True, text=True, check=False, timeout=200
    )
    if done.returncode and UNREACHABLE.search(done.stdout + done.stderr):
        pytest.skip("the package index cannot be reached from here")
    assert done.returncode == 0, f"RUN {words}\n{done.stdout}\n{done.stderr}"


def test_the_install_steps_give_a_working_program(steps: list[Step], tmp_path: Path) -> None:
    source, environment = tmp_path / "src", tmp_path / "venv"
    source.mkdir()
    for step in (step for step in steps if step.stage == 0):
        if step.keyword == "COPY":
            copy_tracked(step.words, source)
        elif step.keyword == "RUN":
            run_step(step.words, source, environment)
    shutil.rmtree(source)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    bare = {"PATH": f"{environment / 'bin'}:/usr/bin:/bin", "HOME": str(elsewhere), "XDG_STATE_HOME": str(elsewhere)}
    packages = [str(environment / "bin" / "python"), "-c", "import strategies, hedgebot; print(hedgebot.__file__)"]
    found = subprocess.run(packages, cwd=elsewhere, env=bare, capture_output=True, text=True, check=True, timeout=60)
    installed = Path(found.stdout.strip()).parent
    assert installed.is_relative_to(environment)
    assert (installed / "py.typed").exists()
    # Lint settings are no data of the product.
    assert list(installed.rglob("ruff.toml")) == []
    version = [str(environment / "bin" / "hedgebot"), "version"]
    shown = subprocess.run(version, cwd=elsewhere, env=bare, capture_output=True, text=True, check=False, timeout=60)
    assert shown.returncode == 0, shown.stderr
    assert "0.1.0" in shown.stdout


def test_requirements_are_installed_by_hash_and_the_project_without_any(steps: list[Step]) -> None:
    installs = [step.words for step in steps if step.keyword == "RUN" and "pip install" in step.words]
    assert len(installs) == 2
    assert "--no-deps --require-hashes -r requirements.lock" in installs[0]
    assert "--no-deps --no-build-isolation ." in installs[1]


def test_the_container_is_hardened(steps: list[Step]) -> None:
    final = {step.keyword: step.words for step in steps if step.stage == max(step.stage for step in steps)}
    assert final["USER"].split(":")[0] not in {"root", "0"}
    assert final["STOPSIGNAL"] == "SIGTERM"
    assert final["VOLUME"] == "/var/lib/hedgebot"
    assert "hedgebot status" in final["HEALTHCHECK"]
    # The exec form: the daemon itself gets the signal, no shell in between.
    assert final["ENTRYPOINT"] == '["hedgebot"]'
    order = [step.keyword for step in steps]
    assert order.index("USER") > max(index for index, word in enumerate(order) if word == "RUN")


def test_every_copied_path_passes_the_ignore_file(steps: list[Step]) -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = [step.words for step in steps if step.keyword == "COPY" and "--from" not in step.words]
    assert {source for words in copied for source in words.split()[:-1]} <= kept


def test_the_parser_reads_what_docker_reads() -> None:
    text = "ARG A=1\nFROM a AS b\n# no\nRUN one \\\n    && two\nFROM c\nUSER 5\n"
    assert parse(text) == [
        Step(-1, "ARG", "A=1"),
        Step(0, "FROM", "a AS b"),
        Step(0, "RUN", "one && two"),
        Step(1, "FROM", "c"),
        Step(1, "USER", "5"),
    ]
