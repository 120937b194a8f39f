import msgspec
import pytest

from hedgebot.domain.health import AccountHealth, Relation, use_of


@pytest.mark.parametrize(
    ("maintenance", "equity", "use"),
    [(1.0, 4.0, 0.25), (0.0, 4.0, 0.0), (0.0, -1.0, 0.0), (1.0, 0.0, float("inf")), (1.0, -5.0, float("inf"))],
)
def test_use_at_its_edges(maintenance: float, equity: float, use: float) -> None:
    assert use_of(maintenance, equity) == use


def account(**known: float) -> AccountHealth:
    return msgspec.convert({"venue": "v", "account": "a", "unit": "USD"} | known, AccountHealth)


def test_an_unknown_input_makes_use_unknown_never_zero() -> None:
    assert account(equity=5.0).use is None
    assert account(maintenance=5.0).use is None
    assert account(equity=5.0, initial=2.0).initial_use == 0.4
    assert account(initial=2.0).initial_use is None


def test_the_larger_of_the_ratio_and_the_amounts_rules() -> None:
    assert account(equity=10.0, maintenance=5.0, stated_use=0.6).use == 0.6
    assert account(equity=10.0, maintenance=7.0, stated_use=0.6).use == 0.7
    assert account(stated_use=0.6).use == 0.6


def test_what_is_no_number_never_agrees() -> None:
    assert not Relation(name="r", stated=float("nan"), other=1.0, off=9.0).holds
    assert Relation(name="r", stated=1.0, other=1.5, off=0.5).holds
    assert not Relation(name="r", stated=1.0, other=1.6, off=0.5).holds
