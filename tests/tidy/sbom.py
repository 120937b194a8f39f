"""Write the bill of materials (`make sbom`, after `make lock`): every locked package with version, files and licence.

CycloneDX, made of the two lock files and of what is installed; nothing is fetched, and the same locks give the same
bytes. Licences are the packages' own words; one that is for another interpreter keeps what stood there before.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
SBOM = ".ci/sbom.cdx.json"
RUNS, BUILDS = "requirements.lock", "requirements-dev.lock"
UNKNOWN = "NOASSERTION"
FILES = "hedgebot:locked-files-sha256"

_ENTRY = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)(.*(?:\n[ \t]+.*)*)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"^ +# +(?:via +)?([A-Za-z0-9][\w.-]*)(?: \(.*\))?$", re.MULTILINE)
# What the older fields of a package's metadata say, as the identifier of the licence (spdx.org/licenses).
_CLASSIFIERS = {
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_WORDS = {
    "MIT": "MIT",
    "MIT License": "MIT",
    "Apache-2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "BSD-3-Clause": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "MPL-2.0": "MPL-2.0",
    "PSF-2.0": "PSF-2.0",
    # apsw: "any license approved by the OSI", at the user's choice.
    "any-OSI": "MIT",
}
# For Windows only, which nobody installs here: looked up by hand.
_ELSEWHERE = {
    "colorama": "BSD-3-Clause",
    "pywin32-ctypes": "BSD-3-Clause",
    "winloop": "MIT OR Apache-2.0",
}


def locked(text: str) -> dict[str, dict[str, Any]]:
    """The entries of a lock by canonical name: version, digest over its files' hashes, and who asks for it."""
    found: dict[str, dict[str, Any]] = {}
    for name, version, rest in _ENTRY.findall(text):
        hashes = sorted(_HASH.findall(rest))
        found[canonicalize_name(name)] = {
            "version": version,
            "files": hashlib.sha256("\n".join(hashes).encode()).hexdigest(),
            "count": len(hashes),
            "via": sorted({canonicalize_name(one) for one in _VIA.findall(rest)}),
        }
    return found


def licence_of(package: metadata.Distribution) -> str:
    """The licence in the package's own words, as an expression; NOASSERTION when it says nothing that we can read."""
    said = package.metadata
    if "License-Expression" in said:
        return said["License-Expression"]
    if "License" in said and (word := said["License"].strip()) in _WORDS:
        return _WORDS[word]
    told = [line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or () if line.startswith("License")]
    known = [_CLASSIFIERS[one] for one in told if one in _CLASSIFIERS]
    return " OR ".join(dict.fromkeys(known)) or UNKNOWN


def installed_licences() -> dict[str, str]:
    """The licence of everything installed here, by canonical name."""
    return {canonicalize_name(one.name): licence_of(one) for one in metadata.distributions()}


def recorded_licences(document: Mapping[str, Any]) -> dict[str, str]:
    """What a bill says."""
    return {one["name"]: one["licenses"][0]["expression"] for one in document.get("components", ())}


def document_of(runs: str, builds: str, licences: Mapping[str, str], version: str) -> dict[str, Any]:
    """The bill of two locks: the product's own needs are `required`, what only builds and checks is `excluded`."""
    needed, packages = locked(runs), locked(builds)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "hedgebot",
                "name": "hedgebot",
                "version": version,
                "licenses": [{"expression": "Apache-2.0"}],
            }
        },
        "components": [
            {
                "type": "library",
                "bom-ref": name,
                "name": name,
                "version": one["version"],
                "purl": f"pkg:pypi/{name}@{one['version']}",
                "scope": "required" if name in needed else "excluded",
                "licenses": [{"expression": licences.get(name, UNKNOWN)}],
                "properties": [
                    {"name": FILES, "value": one["files"]},
                    {"name": "hedgebot:locked-files", "value": str(one["count"])},
                ],
            }
            for name, one in sorted(packages.items())
        ],
        "dependencies": [
            {"ref": name, "dependsOn": sorted(other for other, one in packages.items() if name in one["via"])}
            for name in sorted({"hedgebot", *packages})
        ],
    }


def rendered(document: Mapping[str, Any]) -> str:
    """The file's text."""
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"


def recorded(root: Path = ROOT) -> dict[str, Any]:
    """The bill in the tree; empty where there is none yet."""
    path = root / SBOM
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def fresh(root: Path = ROOT) -> dict[str, Any]:
    """The bill as the locks and what is installed would have it."""
    here = {name: said for name, said in installed_licences().items() if said != UNKNOWN}
    licences = recorded_licences(recorded(root)) | _ELSEWHERE | here
    runs, builds = ((root / name).read_text("utf-8") for name in (RUNS, BUILDS))
    return document_of(runs, builds, licences, metadata.version("hedgebot"))


def main() -> None:
    """Write the bill beside the locks."""
    (ROOT / SBOM).write_text(rendered(fresh()), "utf-8")


if __name__ == "__main__":
    main()
