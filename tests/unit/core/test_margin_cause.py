"""What a difference is put down to, where the venue says what each position needs."""

import msgspec
import pytest

from hedgebot.core import margin_gate
from hedgebot.core.margin_cause import likeliest
from hedgebot.domain.reports import WatchedPosition
from tests.support.playbook import START_NS, Playbook
from tests.support.watched import held, option, read, watched_account, watched_book


def cause(*positions: WatchedPosition, name: str = "maintenance") -> str:
    book = watched_book()
    read(book, positions=positions)
    return told(book, name)


def told(book: Playbook, name: str = "maintenance") -> str:
    account = watched_account(book)
    model = margin_gate.model_now(book.state, account, book.at_ns)
    assert not isinstance(model, str), model
    return likeliest(account, model, name, model.now.maintenance * 1.3)


def needs(position: WatchedPosition, coins: float) -> WatchedPosition:
    return msgspec.structs.replace(position, maintenance_settle=coins)


def test_the_position_that_is_farthest_off_is_named_with_its_rate() -> None:
    sold = option(-10.0, at_ns=START_NS)
    # 10 BTC need 0.105 by our rates, and the short calls 10 x (0.075 + mark).
    right, raised = 10.0 * (0.075 + sold.mark), 10.0 * (0.09 + sold.mark)
    words = cause(needs(held(), 0.105), needs(sold, raised))
    assert words == (
        f"the rate of {sold.rules.id}: the venue's comes to 9.0000% of the index beside its mark, ours to 7.5000%"
    )
    words = cause(needs(held(), 0.155), needs(sold, right))
    assert words == f"the rate of {held().rules.id}: the venue's comes to 1.5500% of its value, ours to 1.0500%"
    words = cause(needs(held(), 0.105), needs(sold, right))
    assert words.startswith("none of its 2 positions")


@pytest.mark.parametrize("name", ["maintenance", "initial"])
def test_without_the_positions_own_numbers_it_is_as_with_any_account(name: str) -> None:
    words = {"maintenance": "the tiers of", "initial": "the leverage of a position"}
    assert cause(held(), name=name).startswith(words[name])


def test_with_options_and_no_numbers_of_their_own_no_tier_is_named() -> None:
    assert cause(held(), option(-10.0, at_ns=START_NS)).startswith("the margin mode of the account")
