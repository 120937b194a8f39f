"""Ids of moves: the same for the same move, another for every other, in the form that the venue wants."""

import re
from decimal import Decimal
from uuid import UUID

from hedgebot.domain.treasury import CollateralMove, move_id, words_of


def test_an_id_is_a_function_of_install_epoch_and_number() -> None:
    made = move_id(7, 3, 1)
    assert made == move_id(7, 3, 1)
    others = {move_id(7, 3, 2), move_id(7, 4, 1), move_id(8, 3, 1), move_id(7, 31, 1), move_id(7, 3, 11)}
    assert len(others) == 5
    assert made not in others


def test_an_id_is_a_uuid() -> None:
    for number in range(200):
        made = move_id(7, 3, number)
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", made)
        assert UUID(made).version == 8


def test_a_move_in_words_names_wallets_of_one_user_only() -> None:
    move = CollateralMove(
        account="main", number=4, transfer_id="x", coin="USDT", qty=Decimal("1.5"), sent_at_ns=1, deadline_ns=2
    )
    assert words_of(move) == "move 4: 1.5 USDT from the funding wallet to main"
