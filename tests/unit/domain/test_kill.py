"""Words of a kill: every scope with every action either makes sense or is refused with a sentence."""

import pytest

from hedgebot.domain.kill import KillAction, KillScope, action_problem, scope_key, scope_words

SENSELESS = {
    (KillScope.ORDER, KillAction.REDUCE),
    (KillScope.ORDER, KillAction.HEDGE_TO_FLAT),
    (KillScope.ORDER, KillAction.FLATTEN),
    (KillScope.STRATEGY, KillAction.FLATTEN),
}


@pytest.mark.parametrize("action", KillAction)
@pytest.mark.parametrize("scope", KillScope)
def test_each_pair_makes_sense_or_says_why_not(scope: KillScope, action: KillAction) -> None:
    name = "" if scope is KillScope.ALL else "x"
    assert bool(action_problem(scope, name, action)) is ((scope, action) in SENSELESS)


def test_names_belong_to_every_scope_but_the_book() -> None:
    assert "needs its name" in action_problem(KillScope.VENUE, "", KillAction.FREEZE)
    assert "has no name" in action_problem(KillScope.ALL, "x", KillAction.FREEZE)


def test_a_scope_in_a_word_and_in_a_sentence() -> None:
    assert scope_key(KillScope.ALL, "") == "all"
    assert scope_key(KillScope.VENUE, "bybit") == "venue:bybit"
    assert scope_words(KillScope.ALL, "") == "the book"
    assert scope_words(KillScope.STRATEGY, "s") == "strategy s"
