"""Every reason has a word of its own, and the wire has an answer for it."""

from hedgebot.exchange.reasons import EndReason, RefusalReason
from hedgebot.exchange.types import Refusal
from hedgebot.exchange.wire.codes import refusal_error
from hedgebot.exchange.wire.fields_private import _REJECT_REASON


def test_each_refusal_has_a_code_on_the_wire() -> None:
    for reason in RefusalReason:
        for category in ("linear", "spot", "option"):
            error = refusal_error(Refusal(reason=reason, detail="x"), category)
            assert error.code > 10_000 or error.code == 429, reason
            assert error.message


def test_each_end_has_a_word_on_the_wire() -> None:
    assert set(_REJECT_REASON) == {None, *EndReason}
