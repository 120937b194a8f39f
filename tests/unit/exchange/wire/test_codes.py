"""Every refusal of the model has a code of the venue, and spot its own."""

import pytest

from hedgebot.exchange.types import Refusal, RefusalReason
from hedgebot.exchange.wire.codes import WireError, bad_parameter, refusal_error


@pytest.mark.parametrize("reason", RefusalReason)
@pytest.mark.parametrize("category", ["linear", "spot", "option"])
def test_every_refusal_has_a_code(reason: RefusalReason, category: str) -> None:
    error = refusal_error(Refusal(reason=reason, detail="why"), category)
    assert error.code >= 10_000 or error.code == 429
    assert error.status == 200
    assert "why" not in error.message


@pytest.mark.parametrize(
    ("reason", "derivatives", "spot"),
    [
        (RefusalReason.DUPLICATE_CLIENT_ID, 110072, 170141),
        (RefusalReason.UNKNOWN_ORDER, 110001, 170213),
        (RefusalReason.INSUFFICIENT_MARGIN, 110007, 170131),
        (RefusalReason.REDUCE_ONLY_VIOLATION, 110017, 170130),
        (RefusalReason.RATE_LIMITED, 10006, 10006),
        (RefusalReason.BELOW_MIN_NOTIONAL, 110094, 170140),
    ],
)
def test_the_codes_that_clients_act_on(reason: RefusalReason, derivatives: int, spot: int) -> None:
    refusal = Refusal(reason=reason, detail="")
    assert refusal_error(refusal, "linear").code == refusal_error(refusal, "option").code == derivatives
    assert refusal_error(refusal, "spot").code == spot


def test_an_error_carries_what_the_answer_needs() -> None:
    error = WireError(1, "text", status=404, result={"a": 1})
    assert (error.code, error.message, error.status, error.result) == (1, "text", 404, {"a": 1})
    assert bad_parameter("x").code == 10001
