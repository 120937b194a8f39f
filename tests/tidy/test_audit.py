"""S04: gates over what is installed and what it is made of: green on the tree as it is, red on everything else."""

import copy
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests.tidy import audit, sbom

RUNS, BUILDS = ((sbom.ROOT / name).read_text("utf-8") for name in (sbom.RUNS, sbom.BUILDS))


def made(runs: str = RUNS, builds: str = BUILDS) -> dict[str, Any]:
    """The bill that two locks would have, with the licences that are recorded."""
    licences = sbom.recorded_licences(sbom.recorded())
    return sbom.document_of(runs, builds, licences, metadata.version("hedgebot"))


def test_s04_the_bill_of_materials_is_the_one_that_the_locks_make() -> None:
    found = audit.bill_problems(sbom.recorded(), sbom.fresh())
    assert not found, "\n".join(found)
    assert (sbom.ROOT / sbom.SBOM).read_text("utf-8") == sbom.rendered(sbom.fresh()), "byte for byte"


def test_s04_the_bill_covers_both_locks_with_hashes_and_licences() -> None:
    bill = sbom.recorded()
    parts = {one["name"]: one for one in bill["components"]}
    assert parts.keys() == sbom.locked(BUILDS).keys()
    assert {name for name, one in parts.items() if one["scope"] == "required"} == sbom.locked(RUNS).keys()
    assert all(int(one["properties"][1]["value"]) > 0 for one in parts.values()), "a file without a hash"
    assert audit.licence_problems(sbom.recorded_licences(bill)) == []
    asked = {name for one in bill["dependencies"] for name in one["dependsOn"]}
    assert asked == parts.keys(), "nobody asks for it"


def first_hash(text: str, name: str) -> str:
    entry = re.search(rf"^{name}==.*?--hash=sha256:([0-9a-f]{{64}})", text, re.MULTILINE | re.DOTALL)
    assert entry is not None
    return entry.group(1)


def changed(text: str, case: str) -> str:
    match case:
        case "a hash":
            return text.replace(first_hash(text, "aiohttp"), "0" * 64)
        case "a file more":
            known = f"--hash=sha256:{first_hash(text, 'aiohttp')}"
            return text.replace(known, f"{known} \\\n    --hash=sha256:{'1' * 64}")
        case "a version":
            return re.sub(r"^aiohttp==\S+", "aiohttp==9.9.9", text, flags=re.MULTILINE)
        case "a package less":
            return re.sub(r"^aiohttp==(?:.*\n[ \t]+)+.*\n", "", text, flags=re.MULTILINE)
        case _:
            return text + f"zz-new==1.0 \\\n    --hash=sha256:{'2' * 64}\n    # via hedgebot (pyproject.toml)\n"


@pytest.mark.parametrize("case", ["a hash", "a file more", "a version", "a package less", "a package more"])
def test_s04_the_gate_of_the_bill_is_red_on_any_other_lock(case: str) -> None:
    builds = changed(BUILDS, case)
    assert builds != BUILDS
    found = audit.bill_problems(sbom.recorded(), made(builds=builds))
    assert any("aiohttp" in one or "zz-new" in one for one in found), found


def test_s04_a_bill_that_was_edited_is_red() -> None:
    bill = copy.deepcopy(sbom.recorded())
    bill["components"][0]["licenses"] = [{"expression": "GPL-3.0-only"}]
    assert "licenses" in audit.bill_problems(bill, made())[0]
    assert audit.licence_problems(sbom.recorded_licences(bill)) != []
    bill = copy.deepcopy(sbom.recorded())
    bill["dependencies"][0]["dependsOn"] = ["nothing"]
    assert audit.bill_problems(bill, made()) == ["the bill is not what the locks make: run `make sbom`"]


def test_s04_what_is_installed_is_what_was_locked_and_fits_together() -> None:
    locked = {name: one["version"] for name, one in sbom.locked(BUILDS).items()}
    found = audit.environment_problems(*audit.installed(), locked)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("versions", "problem"),
    [
        ({"a": "1.1", "b": "2.0"}, "a 1.1 is installed, the lock has 1.0"),
        ({"a": "1.0", "b": "2.0", "c": "1"}, "c 1 is installed, the lock has none"),
        ({"a": "1.0"}, "a asks for b>=2, installed is none"),
        ({"a": "1.0", "b": "1.0"}, "a asks for b>=2, installed is 1.0"),
    ],
)
def test_s04_an_environment_that_is_not_the_locked_one_is_red(versions: dict[str, str], problem: str) -> None:
    wanted = {"a": ["b>=2", "d; sys_platform == 'nowhere'", "e; extra == 'more'"]}
    assert problem in audit.environment_problems(versions, wanted, {"a": "1.0", "b": "2.0"})


def test_s04_a_file_that_was_changed_after_the_install_is_red(tmp_path: Path) -> None:
    """As `make audit` reads every file of every package; here of one, made by hand."""
    info = tmp_path / "hb_made-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hb-made\nVersion: 1.0\n", "utf-8")
    module = tmp_path / "hb_made.py"
    module.write_text("WORD = 1\n", "utf-8")
    digest = "3eBHjgMzc_1RgXiHzIqaD7_WJh3JStgqGZEv7pXpXpE"
    (info / "RECORD").write_text(f"hb_made.py,sha256={digest},9\nhb_gone.py,sha256={digest},9\n", "utf-8")
    assert audit.altered_files(metadata.PathDistribution(info)) == [
        "hb-made: hb_made.py is not what was installed",
        "hb-made: hb_gone.py is gone",
    ]
    small = next(one for one in metadata.distributions() if one.name == "iniconfig")
    assert audit.altered_files(small) == []


@pytest.mark.parametrize(
    ("name", "expression", "allowed"),
    [
        ("a", "MIT", True),
        ("a", "(Apache-2.0 OR MIT) AND BSD-3-Clause", True),
        ("a", "GPL-3.0-or-later", False),
        ("a", "MIT AND LGPL-2.1-only", False),
        ("a", "MPL-2.0", False),
        ("certifi", "MPL-2.0", True),
        ("a", sbom.UNKNOWN, False),
    ],
)
def test_s04_a_licence_that_is_unknown_or_not_permissive_is_red(name: str, expression: str, *, allowed: bool) -> None:
    assert (audit.licence_problems({name: expression}) == []) is allowed


def test_s04_without_pip_audit_it_is_said_that_nothing_was_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert audit.vulnerabilities() == 0
    assert "NOT CHECKED" in capsys.readouterr().out
