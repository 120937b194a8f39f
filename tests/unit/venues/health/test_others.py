import pytest

from hedgebot.venues.health.others import read


def test_paradex_tells_requirements() -> None:
    row = {"account_value": "1000", "initial_margin_requirement": "400", "maintenance_margin_requirement": "200"}
    (account,) = read(row) or ()
    assert (account.use, account.initial_use) == (0.2, 0.4)
    (account,) = read(row | {"account_value": ""}) or ()
    assert account.use is None


def test_delta_liquidates_when_what_is_blocked_is_below_its_maintenance() -> None:
    (account,) = read({"blocked_margin": "100", "im_w_ucf": "100", "mm_w_ucf": "80", "index_symbol": ".DEXBTUSD"}) or ()
    assert account.use == 0.8
    (account,) = read({"blocked_margin": "70", "im_w_ucf": "100", "mm_w_ucf": "80"}) or ()
    assert account.use is not None
    assert account.use > 1.0


def test_derives_net_margin_is_negative_when_it_is_bad() -> None:
    row = {"subaccount_value": "1000", "initial_margin": "300", "maintenance_margin": "500"}
    (account,) = read({"result": row}) or ()
    assert (account.use, account.initial_use) == (0.5, 0.7)
    (account,) = read({"result": row | {"maintenance_margin": "-10"}}) or ()
    assert account.use == pytest.approx(1.01)


def test_dydx_tells_no_maintenance_margin() -> None:
    (account,) = read({"subaccount": {"equity": "1000", "freeCollateral": "900", "subaccountNumber": 0}}) or ()
    assert (account.initial, account.use) == (100.0, None)
    assert "fractions" in account.missing[0]


def test_other_frames_are_not_ours() -> None:
    assert read({}) is None
    assert read([]) is None
