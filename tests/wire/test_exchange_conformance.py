"""C1: what the exchange says on the wire has every key and type that the venue documents, and the other way round.

Held against facts kept from the venue's documentation (`conformance/documented.json`) and, where they are at hand,
against recorded frames. Every difference is listed with its reason in `conformance/differences.json`; a new one fails,
and so does a listed one that is gone.
"""

import asyncio
import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from hedgebot.exchange.wire.routes import ROUTES
from tests.wire.conformance.cases import CASES
from tests.wire.conformance.recorded import FOLDERS, FRAMES
from tests.wire.conformance.samples import Rest, Said, gather
from tests.wire.conformance.shapes import Difference, Shape, differences, joined, shape_of

pytestmark = pytest.mark.wire
FOLDER = Path(__file__).parent / "conformance"


@pytest.fixture(scope="module")
def ours() -> dict[str, list[Any]]:
    """Our answers, case by case."""
    return asyncio.run(gather(CASES))


@pytest.fixture(scope="module")
def pages() -> dict[str, Any]:
    """The documentation's facts, page by page."""
    found: dict[str, Any] = json.loads((FOLDER / "documented.json").read_text("utf-8"))["pages"]
    return found


def _names(page: dict[str, Any]) -> Shape:
    """Every name that a page documents: in its examples (of whatever product) and in its tables; and the envelope's."""
    shown = joined([{key.rpartition(".")[2]: kinds} for one in page["examples"].values() for key, kinds in one.items()])
    envelope = {"retCode": ["number"], "retMsg": ["string"], "time": ["number"]}
    table: Shape = page["table"]
    return table | shown | envelope | {"result": ["object"], "retExtInfo": ["object"]}


def _explained(found: list[Difference], listed: list[dict[str, Any]]) -> tuple[list[Difference], list[str]]:
    """Differences that no entry of the list covers, and entries that cover nothing."""
    unused = {f"{one['kind']} {one['case']} {key}" for one in listed for key in one["keys"]}
    unexplained = []
    for difference in found:
        covering = {
            f"{one['kind']} {one['case']} {key}"
            for one in listed
            for key in one["keys"]
            if one["kind"] == difference.kind
            and fnmatchcase(difference.case, one["case"].replace("[", "[[]"))
            and fnmatchcase(difference.key, key.replace("[", "[[]"))
        }
        unused -= covering
        if not covering:
            unexplained.append(difference)
    return unexplained, sorted(unused)


def _listed(part: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / "differences.json").read_text("utf-8"))[part]
    return found


def test_every_case_was_answered(ours: dict[str, list[Any]]) -> None:
    for case in CASES:
        assert ours[case.name], f"no frame for {case.name}"
        if isinstance(case, Rest):
            assert ours[case.name][0]["retCode"] == 0, (case.name, ours[case.name])


def test_every_path_is_documented(pages: dict[str, Any]) -> None:
    documented = {page["where"] for page in pages.values() if page["where"]}
    served = {f"{route.method} {path}" for path, route in ROUTES.items()}
    assert served - documented == set()
    assert documented - served == set()


def test_documented_examples(ours: dict[str, list[Any]], pages: dict[str, Any]) -> None:
    found: list[Difference] = []
    keys = 0
    for case in CASES:
        page = pages[case.page]
        shape: Shape = joined([shape_of(one) for one in ours[case.name]])
        keys += len(shape)
        theirs = None if case.example is None else page["examples"][case.example or "example"]
        table = _names(page)
        found += differences(case.name, shape, theirs, table)
    unexplained, unused = _explained(found, _listed("documented"))
    rests = len({case.words for case in CASES if isinstance(case, Rest)})
    topics = len({case.page for case in CASES if not isinstance(case, Rest | Said)})
    print(f"\n{rests} endpoints, {topics} topics, {len(CASES)} cases, {keys} keys, {len(found)} differences listed")
    assert unexplained == [], "\n" + "\n".join(map(str, unexplained))
    assert unused == [], "listed, but there is no such difference"


@pytest.mark.needs_data
def test_recorded_frames(ours: dict[str, list[Any]], pages: dict[str, Any], shared_data: Path) -> None:
    """Every recorded key and type is ours; what is ours alone is at least documented (recordings are older)."""
    found: list[Difference] = []
    page_of = {case.name: case.page for case in CASES}
    for name, files in FRAMES.items():
        frames = []
        for file in files:
            folder, _, stem = file.partition("/")
            frame = json.loads((shared_data / FOLDERS[folder] / f"{stem}.json").read_text("utf-8"))
            # One file holds a bare row.
            row = "websocket/private" in name and "topic" not in frame
            frames.append(shape_of({"data": [frame]} if row else frame))
        shape = joined([shape_of(one) for one in ours[name]])
        found += differences(name, shape, joined(frames), _names(pages[page_of[name]]))
    unexplained, unused = _explained(found, _listed("recorded"))
    print(f"\n{len(FRAMES)} cases against {sum(map(len, FRAMES.values()))} frames, {len(found)} differences listed")
    assert unexplained == [], "\n" + "\n".join(map(str, unexplained))
    assert unused == [], "listed, but there is no such difference"
