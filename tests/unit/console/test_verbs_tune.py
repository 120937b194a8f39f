from hedgebot.console.verbs_tune import tuned_lines
from hedgebot.lab.sweep import BandChoice, Played
from hedgebot.lab.tune import Fold, Tuned


def played(cost: float) -> Played:
    return Played(
        choice=BandChoice(trigger_coin=0.2, target_ratio=0.75),
        tracking_error_usd=300.0,
        cost_usd_day=cost,
        orders_day=3.0,
        turnover_coin_day=1.0,
    )


def test_only_what_came_after_is_told() -> None:
    chosen = BandChoice(trigger_coin=0.2, target_ratio=0.75)
    fold = Fold(from_day=1.0, until_day=2.0, chosen=chosen, after=played(60.0), present=played(100.0))
    head, _, row, last = tuned_lines(
        Tuned(underlying="BTC", budget_usd=310.0, candidates=99, folds=(fold,), now=chosen)
    )
    assert "out-of-sample figures only" in head
    assert "60.00" in row
    assert last == (
        "out of sample: -40% of the present band's cost; for the time after this history: band_coin = 0.2, "
        "target_ratio = 0.75"
    )
