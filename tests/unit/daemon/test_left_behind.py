"""A configuration that would leave an order without a proven end behind is refused, with what would be right."""

import msgspec
import pytest

from hedgebot.daemon.left_behind import check_left_behind
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.events import RestoredOrder
from hedgebot.domain.instrument import Side
from hedgebot.domain.settings import AccountRole, AccountSettings
from tests.support.playbook import Playbook, settings, the_order


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def test_the_sentence_names_the_order_and_what_would_be_right(book: Playbook) -> None:
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    check_left_behind(book.state, (), settings())
    gone = msgspec.structs.replace(settings(), underlyings=())
    with pytest.raises(ConfigError) as caught:
        check_left_behind(book.state, (), gone)
    assert caught.value.exit_code == 6
    told = str(caught.value)
    assert f"order {order.client_id} (sell 0.162 bybit:linear:BTCUSDT on account main)" in told
    assert "does not trade underlying BTC any more: put it back" in told
    assert "hedgebot forget" in told
    book.done(order)
    check_left_behind(book.state, (), gone)


def test_an_order_that_only_the_journal_knows_counts_too(book: Playbook) -> None:
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    restored = RestoredOrder(client_id=order.client_id, intent=order.approved.intent, sent_at_ns=1)
    other = AccountSettings(name="other", venue="bybit", role=AccountRole.SHARED)
    moved = msgspec.structs.replace(settings(), accounts=(other,))
    check_left_behind(None, (), moved)
    with pytest.raises(ConfigError, match="account main any more"):
        check_left_behind(None, (restored,), moved)
