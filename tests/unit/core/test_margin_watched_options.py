"""Our model against the venue's number of a watched account that holds options: agreement, difference, unknown."""

import msgspec
import pytest

from hedgebot.core.account_view import account_view
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import RecordMargin
from hedgebot.domain.settings import MarginMode
from tests.support.playbook import Playbook, of_type
from tests.support.watched import WATCHED, held, option, read, watched_account, watched_book, with_watched


def row_of(book: Playbook) -> RecordMargin:
    return [one for one in of_type(book.heard, RecordMargin) if one.account == WATCHED][-1]


def diverged(book: Playbook, polls: int = 3) -> set[str]:
    """What is told of the model after so many readings of the same."""
    wallet = watched_account(book).wallet
    assert wallet is not None
    for _ in range(polls):
        report = msgspec.structs.replace(wallet, venue_at_ns=book.at_ns + 10_000_000_000)
        book.send(ev.WalletUpdated(report=report, source=ev.Source.QUERY), after_ms=10_000.0)
    book.tick(300.0)
    # The shipped records are older than the age limit: that is told beside, and must not hide what differs.
    kind = AlertKind.MARGIN_MODEL_DIVERGED
    assert f"{kind}|{WATCHED} parameters" in book.state.alerts
    return {one.summary for one in book.state.alerts.values() if (one.kind, one.subject) == (kind, WATCHED)}


def test_options_without_their_volatility_leave_the_venues_number_alone() -> None:
    book = watched_book()
    read(book, positions=(held(), msgspec.structs.replace(option(at_ns=book.at_ns), vol=None)))
    assert watched_account(book).margin.base is None
    assert "no volatility and forward of" in watched_account(book).margin.unknown
    assert account_view(book.state, watched_account(book), book.at_ns).margin_use == pytest.approx(0.0525)
    assert not diverged(book, 5), "what cannot be compared is no alarm"


def test_short_options_in_standard_margin_are_held_against_the_venues_number() -> None:
    book = watched_book()
    call, put = option(-10.0, at_ns=book.at_ns), option(-4.0, 90_000.0, at_ns=book.at_ns, is_call=False)
    bought = option(50.0, 120_000.0, at_ns=book.at_ns)
    # By the standard formula in coins: 0.075 + mark each; what is bought was paid for.
    ours = 0.105 + 10.0 * (0.075 + call.mark) + 4.0 * (0.075 + put.mark)
    positions = (held(), call, put, bought)
    read(book, maintenance=repr(ours * 1e5), initial="400000", positions=positions, after_ms=10_000.0)
    row = row_of(book)
    assert row.model_maintenance_usd == pytest.approx(ours * 1e5, rel=1e-9)
    # The call is 9,000 out of 101,000; the put at the money's floor: (0.15 - out, at least 0.1) + mark.
    initial = 0.205 + 10.0 * (0.10 + call.mark) + 4.0 * (0.10 + put.mark)
    assert max(0.15 - 9_000 / 101_000, 0.15 - 11_000 / 101_000) < 0.10
    assert row.model_initial_usd == pytest.approx(initial * 1e5, rel=1e-9)
    assert row.gap_ratio == pytest.approx(0.0, abs=1e-9)
    assert not diverged(book)
    # The venue raises what it asks for short options by a fifth: told, and the larger number rules.
    raised = 0.105 + 10.0 * (0.09 + call.mark) + 4.0 * (0.09 + put.mark)
    told = msgspec.structs.replace(call, maintenance_settle=10.0 * (0.09 + call.mark))
    positions = (held(), told, put, bought)
    read(book, maintenance=repr(raised * 1e5), initial="400000", positions=positions, after_ms=10_000.0)
    (words,) = diverged(book)
    assert "comes to 9.0000% of the index beside its mark, ours to 7.5000%" in words
    assert account_view(book.state, watched_account(book), book.at_ns).margin_use == pytest.approx(raised / 2.0)


def test_what_more_initial_margin_the_venue_asks_for_resting_orders_is_no_difference() -> None:
    book = watched_book()
    read(book, initial="90000", after_ms=10_000.0)
    assert not diverged(book)
    read(book, initial="15000", after_ms=10_000.0)
    (words,) = diverged(book)
    assert "initial margin of options: the venue says 15000.00 USD, our model 20500.00" in words


@pytest.mark.parametrize(("unit", "per_coin"), [("BTC", 1.0 / 0.84 - 1.0), ("USD", 0.16)])
def test_portfolio_margin_counts_in_the_coin_of_its_pocket_or_in_usd(unit: str, per_coin: float) -> None:
    book = watched_book(MarginMode.PORTFOLIO)
    # A perpetual in its own coin loses more of it, the lower the price; and rolls at the least of 1 %.
    ours = 0.8 * (10.0 * per_coin + 0.1) * 1e5
    initial = repr(ours / 0.8)
    read(book, maintenance=repr(ours), initial=initial, unit=unit, margin_mode="portfolio", after_ms=10_000.0)
    assert row_of(book).model_maintenance_usd == pytest.approx(ours, rel=1e-8)
    assert not diverged(book)


def test_options_in_portfolio_margin_in_coin_are_compared_with_what_is_known() -> None:
    book = watched_book(MarginMode.PORTFOLIO)
    # Far out of the money the tail cells rule, of which the dampener is unknown: the venue may ask less, down to the
    # worst of the cells within the range.
    sold = option(-50.0, 160_000.0, at_ns=book.at_ns, vol=0.5)
    read(book, maintenance="100000", unit="BTC", positions=(sold,), after_ms=10_000.0)
    model = watched_account(book).margin.base
    assert model is not None
    assert model.maintenance_least is not None
    assert 0.0 < model.maintenance_least < 0.7 * model.maintenance
    for maintenance, differs in (
        (model.maintenance, ""),
        ((model.maintenance + model.maintenance_least) / 2.0, ""),
        (model.maintenance_least, ""),
        (
            model.maintenance * 1.1,
            "our model at most 487278.01 (-9.1%); the parts without a known",
        ),
        (model.maintenance, ""),
        (model.maintenance_least * 0.9, "at least"),
    ):
        initial = repr(maintenance / 0.8)
        read(book, maintenance=repr(maintenance), initial=initial, unit="BTC", positions=(sold,), after_ms=10_000.0)
        told = diverged(book)
        assert [differs in one for one in told] == ([True] if differs else []), (maintenance, told)


def test_the_distance_sees_options_and_their_value() -> None:
    book = watched_book()
    sold = option(-10.0, 105_000.0, at_ns=book.at_ns)
    margin = 10.0 * (0.075 + sold.mark)
    read(book, maintenance=repr(margin * 1e5), equity="200000", positions=(sold,), after_ms=10_000.0)
    book.tick(11_000.0)
    distance = watched_account(book).margin.distance
    assert distance is not None
    # The coins gain with the price; what the calls gain is due in margin, several times as much.
    assert distance.underlying == "BTC"
    assert 0.0 < distance.move < 0.3


def test_a_mode_that_the_venue_contradicts_is_told_once_and_nothing_is_compared() -> None:
    book = watched_book(MarginMode.PORTFOLIO)
    read(book, margin_mode="cross", after_ms=10_000.0)
    assert 'set margin_mode = "cross"' in watched_account(book).margin.unknown
    (words,) = diverged(book)
    assert words.startswith("options is configured with margin_mode portfolio and its venue says cross")
    read(book, margin_mode="portfolio", after_ms=10_000.0)
    assert not diverged(book, 0)


def test_parameters_that_the_venue_names_otherwise_are_told_before_and_after_a_number_differs() -> None:
    book = watched_book(MarginMode.PORTFOLIO)
    sound = {"BTC": {"price_range": 0.16, "mm_factor": 0.8, "annualised_move_risk": 0.075}}
    wider = {"BTC": sound["BTC"] | {"price_range": 0.18}}
    ours, raised = (0.8 * (10.0 * (1.0 / (1.0 - edge) - 1.0) + 0.1) * 1e5 for edge in (0.16, 0.18))

    def told(maintenance: float, parameters: dict[str, dict[str, float]]) -> set[str]:
        initial = repr(maintenance / 0.8)
        read(book, maintenance=repr(maintenance), initial=initial, parameters=parameters, after_ms=10_000.0)
        return diverged(book)

    key = f"{AlertKind.MARGIN_MODEL_DIVERGED}|{WATCHED} live parameters"
    assert not told(ours, sound)
    assert key not in book.state.alerts
    assert not told(ours, wider)
    assert book.state.alerts[key].summary == (
        "the venue of options margins with other parameters than deribit-xpm-20260201: "
        "price_range of BTC 0.18 (ours 0.16)"
    )
    (words,) = told(raised, wider)
    assert "the venue margins with price_range of BTC 0.18 (ours 0.16); the larger number rules" in words
    assert not told(ours, sound)
    assert key not in book.state.alerts


def test_options_that_are_paid_in_a_stablecoin_need_the_same_parts_of_the_index() -> None:
    book = watched_book()
    sold = option(-10.0, at_ns=book.at_ns, in_coin=False)
    coins, prices = {"USDC": "300000"}, {"BTC": 100_000.0, "USDC": 0.999}
    ours = 10.0 * (0.075 * 1e5 + sold.mark * 0.999)
    initial = repr(10.0 * (0.1 * 1e5 + sold.mark * 0.999))
    read(
        book,
        maintenance=repr(ours),
        initial=initial,
        positions=(sold,),
        coins=coins,
        prices=prices,
        unit="USDC",
        after_ms=10_000.0,
    )
    assert row_of(book).model_maintenance_usd == pytest.approx(ours, rel=1e-9)
    assert not diverged(book)
    # Without the index of its coin there is no number, and no alarm: the venue's stands alone.
    read(book, positions=(sold,), coins=coins, prices={"USDC": 0.999}, unit="USDC", after_ms=10_000.0)
    assert watched_account(book).margin.unknown == "the price of BTC is unknown"
    assert not diverged(book)


def test_in_portfolio_margin_a_stablecoin_s_pocket_counts_options_in_usd_and_their_value_as_equity() -> None:
    book = watched_book(MarginMode.PORTFOLIO)
    sold = option(-10.0, 101_000.0, at_ns=book.at_ns, in_coin=False, vol=0.6)
    coins, prices = {"USDC": "900000"}, {"BTC": 100_000.0, "USDC": 1.0}
    read(
        book,
        equity="860000",
        maintenance="150000",
        positions=(sold,),
        coins=coins,
        prices=prices,
        unit="USDC",
        after_ms=10_000.0,
    )
    row = row_of(book)
    # Sold at the money it loses what the price gains beyond the edge of 16 %, and the volatility that rises by a half.
    assert 0.8 * 10.0 * (16_000.0 - sold.mark) < row.model_maintenance_usd < 0.8 * 10.0 * 20_000.0
    assert row.model_balance_usd == pytest.approx(900_000.0 - 10.0 * sold.mark)


def test_options_at_okx_are_unknown_to_the_model_and_that_is_no_alarm() -> None:
    book = Playbook(with_watched(MarginMode.PORTFOLIO, "okx"))
    book.ready()
    sold = option(-10.0, at_ns=book.at_ns)
    for one, words in (
        (sold, "covers linear and inverse contracts"),
        (msgspec.structs.replace(sold, vol=None), "no vol"),
    ):
        read(book, maintenance="30000", positions=(held(), one), unit="USD", after_ms=10_000.0)
        assert words in watched_account(book).margin.unknown
        assert account_view(book.state, watched_account(book), book.at_ns).margin_use == pytest.approx(0.15)
        assert not diverged(book, 4)
