"""The lock files: every requirement pinned and hashed, no address, one version for all interpreters, none stale."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.source import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;]+)(?: ; (.+?))?(?: \\)?$")


def entries(text: str) -> list[str]:
    """The requirements of a lock, each with its continuation lines, without comments."""
    plain = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return [entry for entry in re.split(r"\n(?=\S)", plain.strip()) if entry]


def problems_of(text: str) -> list[str]:
    """What a hash-checking installer on a stranger's machine would stumble over."""
    problems = []
    seen: set[str] = set()
    for entry in entries(text):
        first, *rest = entry.splitlines()
        pin = PIN.match(first)
        if not pin:
            problems.append(f"not a pinned requirement: {first}")
            continue
        name = canonicalize_name(pin.group(1))
        if name in seen:
            problems.append(f"{name}: more than one version")
        seen.add(name)
        if not rest or not all(HASH.fullmatch(line.strip(" \\")) for line in rest):
            problems.append(f"{name}: a line without its hash")
    if "://" in text or " @ " in text or "--find-links" in text:
        problems.append("an address")
    return problems


def pins(text: str) -> dict[str, str]:
    """Canonical name -> version."""
    found = (PIN.match(entry.splitlines()[0]) for entry in entries(text))
    return {canonicalize_name(pin.group(1)): pin.group(2) for pin in found if pin}


def unmet(wanted: list[str], locked: dict[str, str]) -> list[str]:
    """Requirements that the lock does not meet: absent, or outside their range."""
    problems = []
    for requirement in map(Requirement, wanted):
        version = locked.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version):
            problems.append(f"{requirement}: the lock has {version}")
    return problems


def _read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_sound(name: str) -> None:
    problems = problems_of(_read(name))
    assert not problems, "\n".join(problems)


def test_both_locks_agree() -> None:
    runs, builds = (pins(_read(name)) for name in LOCKS)
    assert runs.items() <= builds.items()


def test_the_locks_meet_the_project() -> None:
    document = tomllib.loads(_read("pyproject.toml"))
    project, extras = document["project"], document["project"]["optional-dependencies"]
    runtime = [
        *project["dependencies"],
        *extras["recordings"],
        *extras["keyring"],
        *document["build-system"]["requires"],
    ]
    assert unmet(runtime, pins(_read(LOCKS[0]))) == []
    assert unmet([*runtime, *extras["dev"]], pins(_read(LOCKS[1]))) == []


def test_ccxt_is_pinned_exactly() -> None:
    dependencies = tomllib.loads(_read("pyproject.toml"))["project"]["dependencies"]
    (ccxt,) = (one for one in map(Requirement, dependencies) if one.name == "ccxt")
    assert [one.operator for one in ccxt.specifier] == ["=="]


def test_every_lint_exception_has_its_reason() -> None:
    section = _read("pyproject.toml").split("[tool.ruff.lint]")[1].split("allowed-confusables")[0]
    rules = [line for line in section.splitlines() if line.strip().startswith('"')]
    assert len(rules) > 10
    assert [line for line in rules if not re.search(r"# \w", line)] == []


GOOD = "# head\na==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n    # via b\n"


def test_a_sound_lock_passes() -> None:
    assert problems_of(GOOD) == []
    assert problems_of(GOOD.replace("a==1.0", "a==1.0 ; python_full_version < '3.12'")) == []


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("a==1.0\n", "a: a line without its hash"),
        (GOOD + "b==2\n", "b: a line without its hash"),
        (GOOD.replace("0" * 64, "0" * 63), "a: a line without its hash"),
        ("a>=1.0 \\\n", "not a pinned requirement: a>=1.0 \\"),
        ("-e .\n", "not a pinned requirement: -e ."),
        (GOOD + GOOD.replace("1.0", "2.0"), "a: more than one version"),
        (GOOD + "# from https" + "://example.org\n", "an address"),
    ],
)
def test_an_unsound_lock_is_found(bad: str, problem: str) -> None:
    assert problem in problems_of(bad)


def test_a_stale_lock_is_found() -> None:
    assert unmet(["a>=2", "b", "c==1"], {"a": "1.0", "c": "1"}) == ["a>=2: the lock has 1.0", "b: the lock has None"]
