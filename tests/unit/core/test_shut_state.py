import msgspec

from hedgebot.core.shut_state import ShutMarket


def test_a_snapshot_keeps_what_a_market_refused() -> None:
    kept = ShutMarket(status="Closed", refused=4, refused_at_ns=7, closing=True)
    assert msgspec.json.decode(msgspec.json.encode(kept), type=ShutMarket) == kept
    assert ShutMarket() == ShutMarket(status="", refused=0, refused_at_ns=0, closing=False)
