"""Audit what is installed (`make audit`): it is what was locked, file by file, it fits together, and the bill says so.

Needs no network: the locks, the bill of materials and the files' own records are held against each other. Published
vulnerabilities are pip-audit's to tell, which asks an outside service: it is run where it is installed, and its absence
is said, never taken for a clean bill.
"""

import base64
import hashlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy import sbom

# What makes the environment, and we ourselves.
OWN = frozenset({"pip", "hedgebot"})
# Permissive ones. MPL-2.0 is file-level: packages under it are named, and used unmodified.
ALLOWED = frozenset({
    *("MIT", "MIT-CMU", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Apache-2.0", "ISC", "PSF-2.0"),
    *("Zlib", "CC0-1.0", "Unlicense"),
})  # fmt: skip
MPL = frozenset({"certifi", "hypothesis", "pathspec", "orjson"})


def environment_problems(
    versions: Mapping[str, str], wanted: Mapping[str, Iterable[str]], locked: Mapping[str, str]
) -> list[str]:
    """What is installed (`versions`) and what each of it asks for (`wanted`) against the versions that are locked."""
    problems = []
    for name, version in sorted(versions.items()):
        if name not in OWN and locked.get(name) != version:
            problems.append(f"{name} {version} is installed, the lock has {locked.get(name, 'none')}")
        for text in wanted.get(name, ()):
            asked = Requirement(text)
            if asked.marker is not None and not asked.marker.evaluate({"extra": ""}):
                continue
            has = versions.get(canonicalize_name(asked.name))
            if has is None or not asked.specifier.contains(has, prereleases=True):
                problems.append(f"{name} asks for {asked.name}{asked.specifier}, installed is {has or 'none'}")
    return problems


def altered_files(package: metadata.Distribution) -> list[str]:
    """Files that are not what the package's record says they were when it was installed."""
    found = []
    for file in package.files or ():
        if file.hash is None:
            continue
        try:
            digest = hashlib.new(file.hash.mode, Path(file.locate()).read_bytes()).digest()
        except OSError:
            found.append(f"{package.name}: {file} is gone")
            continue
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            found.append(f"{package.name}: {file} is not what was installed")
    return found


def bill_problems(bill: Mapping[str, Any], made: Mapping[str, Any]) -> list[str]:
    """Where the bill of materials in the tree is not the one that the locks make."""
    old, new = ({one["name"]: one for one in document.get("components", ())} for document in (bill, made))
    problems = [f"{name} is in the locks and not in the bill" for name in sorted(new.keys() - old.keys())]
    problems += [f"{name} is in the bill and not in the locks" for name in sorted(old.keys() - new.keys())]
    for name in sorted(old.keys() & new.keys()):
        problems += [
            f"{name}: {key} is {old[name].get(key)} in the bill, {new[name][key]} by the locks"
            for key in new[name]
            if old[name].get(key) != new[name][key]
        ]
    if not problems and bill != made:
        problems.append("the bill is not what the locks make: run `make sbom`")
    return problems


def licence_problems(licences: Mapping[str, str]) -> list[str]:
    """Packages whose licence is not known, or not one that may be used here."""
    problems = []
    for name, expression in sorted(licences.items()):
        words = expression.replace("(", " ").replace(")", " ").split()
        allowed = ALLOWED | ({"MPL-2.0"} if name in MPL else set())
        if bad := [one for one in words if one not in allowed | {"AND", "OR"}]:
            problems.append(f"{name}: {', '.join(bad)} is not on the list of licences")
    return problems


def installed() -> tuple[dict[str, str], dict[str, list[str]]]:
    """Versions by canonical name, and what each asks for."""
    every = list(metadata.distributions())
    return (
        {canonicalize_name(one.name): one.version for one in every},
        {canonicalize_name(one.name): list(one.requires or ()) for one in every},
    )


def problems() -> list[str]:
    """Everything that is wrong with this environment and its bill."""
    locked = {name: one["version"] for name, one in sbom.locked((sbom.ROOT / sbom.BUILDS).read_text("utf-8")).items()}
    made = sbom.fresh()
    return [
        *environment_problems(*installed(), locked),
        *(line for package in metadata.distributions() for line in altered_files(package)),
        *bill_problems(sbom.recorded(), made),
        *licence_problems(sbom.recorded_licences(made)),
    ]


def vulnerabilities() -> int:
    """Ask pip-audit, where it is installed; its exit code, 0 where it is not."""
    if importlib.util.find_spec("pip_audit") is None:
        print("published vulnerabilities: NOT CHECKED, pip-audit is not installed (it needs the internet)")
        return 0
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "-r", sbom.RUNS]
    return subprocess.run(command, cwd=sbom.ROOT, check=False).returncode


def main() -> int:
    """Say what is wrong; 0 when nothing is."""
    found = problems()
    print(
        "\n".join(found) or "what is installed is what was locked, file by file; licences and bill of materials agree"
    )
    return vulnerabilities() or (1 if found else 0)


if __name__ == "__main__":
    sys.exit(main())
