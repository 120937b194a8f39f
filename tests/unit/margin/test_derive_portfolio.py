import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hedgebot.margin.derive_portfolio import Book, Expiry, Holding, net_margin
from tests.unit.margin.conftest import domain_folder

CASES = ("12", "13", "18", "20", "26", "29", "32", "38", "42", "51")


@pytest.fixture(scope="module")
def derive(root: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((domain_folder(root) / "margin_derive_pm2.json").read_text("utf-8"))
    return content


def expiry_of(case: dict[str, Any], row: dict[str, Any]) -> Expiry:
    mine = [one for one in case["options"] if one["sec_to_expiry"] == row["sec_to_expiry"]]
    return Expiry(
        seconds=row["sec_to_expiry"],
        forward=row["forward"],
        rate=row["rate"],
        confidence=min(row["fwd_conf"], row["rate_conf"], row["vol_conf"]),
        strike=np.array([one["strike"] for one in mine], dtype=np.float64),
        vol=np.array([one["iv"] for one in mine], dtype=np.float64),
        amount=np.array([one["amount"] for one in mine], dtype=np.float64),
        is_call=np.array([one["call"] for one in mine], dtype=np.bool_),
    )


def book_of(case: dict[str, Any]) -> Book:
    perp = case["perp"]
    return Book(
        cash=case["cash"],
        spot=case["spot"],
        spot_confidence=case["spot_conf"],
        stable=case["stable"],
        perp=Holding(amount=perp["size"], price=perp["price"], confidence=perp["conf"]),
        perp_profit=perp["upnl"] + perp["funding"],
        collateral=tuple(
            Holding(
                amount=one["amount"],
                price=one["price"],
                confidence=one["conf"],
                is_shocked=one["spot_shocked"],
                initial_haircut=one["im_haircut"],
                maintenance_haircut=one["mm_haircut"],
            )
            for one in case["collateral"]
        ),
        expiries=tuple(expiry_of(case, row) for row in case["expiries"]),
    )


@pytest.mark.needs_data
@pytest.mark.parametrize("number", CASES)
def test_the_transcribed_case_is_reproduced(derive: dict[str, Any], number: str) -> None:
    case = next(one for one in derive["cases"] if one["id"] == f"DRV-{number}")
    parameters = derive["default_params"] | case["param_overrides"]
    cells = tuple(
        (move, kind, weight) for move, kind, weight in case["scenarios_override"] or derive["default_scenarios"]
    )
    margin = net_margin(parameters, cells, book_of(case))
    assert margin.initial == pytest.approx(case["expected"]["IM"], rel=1e-9)
    assert margin.maintenance == pytest.approx(case["expected"]["MM"], rel=1e-9)
    assert margin.mark_to_market == pytest.approx(case["expected"]["mtm_plus_cash"], rel=1e-9, abs=1e-9)


@pytest.mark.needs_data
def test_every_case_of_the_file_is_among_them(derive: dict[str, Any]) -> None:
    assert [case["id"] for case in derive["cases"]] == [f"DRV-{number}" for number in CASES]


@pytest.mark.needs_data
def test_a_stablecoin_off_its_peg_raises_initial_margin_only(derive: dict[str, Any]) -> None:
    case = next(one for one in derive["cases"] if one["id"] == "DRV-12")
    cells = tuple((move, kind, weight) for move, kind, weight in derive["default_scenarios"])
    at_par = net_margin(derive["default_params"], cells, book_of(case))
    off = net_margin(derive["default_params"], cells, book_of(case | {"stable": 0.93}))
    assert off.initial - at_par.initial == pytest.approx(0.1 * at_par.worst)
    assert off.maintenance == pytest.approx(at_par.maintenance)
