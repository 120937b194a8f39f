"""What is remembered of settlement coins: it outlives a snapshot, and a state from before it has none."""

import msgspec

from hedgebot.core.cash_state import CoinCash, HeldCost
from hedgebot.core.state import decode_state, encode_state
from tests.support.playbook import ACCOUNT, BTC_PERP, Playbook


def test_a_coin_outlives_a_snapshot_of_the_state() -> None:
    book = Playbook()
    book.ready()
    made = CoinCash(held={BTC_PERP: HeldCost(cost=None)})
    book.state.accounts[ACCOUNT].cash["USDT"] = made
    assert decode_state(encode_state(book.state)).accounts[ACCOUNT].cash == {"USDT": made}


def test_a_state_from_before_it_has_no_book() -> None:
    book = Playbook()
    book.ready()
    plain = msgspec.msgpack.decode(encode_state(book.state))
    del plain["accounts"][ACCOUNT]["cash"]
    assert decode_state(msgspec.msgpack.encode(plain)).accounts[ACCOUNT].cash == {}
