"""V06 where an operator says so: what was deleveraged is hedged in another instrument, and not opened again at once.

The fault world with its client trading, and its book that may switch between two instruments. What it may cost: nothing
is opened in what was closed until the venue has been quiet, and the delta does not wait for that.
"""

import msgspec
import pytest

from hedgebot.domain.settings import AdlPolicy, EngineSettings
from hedgebot.lab import criteria as must
from hedgebot.lab.evidence import Evidence
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.mishaps import BY_ID
from hedgebot.lab.worldbooks import BookKind
from hedgebot.lab.worldspec import SETTINGS
from strategies.delta_neutral import STRATEGY

NS_PER_S = 1_000_000_000
QUIET_S = SETTINGS.limits.adl_pause_ms / 1_000
HEARD_S = 0.5
"""So long the news of a deleveraging may be under way."""

ELSEWHERE_S = 5.0
BACK_S = 14.0
"""The second stroke, eight seconds after the first, may hit the other instrument: then the first one's quiet is waited
for, which is over ten seconds after the end. Frozen it would be eighteen."""


def elsewhere(settings: EngineSettings) -> EngineSettings:
    """The world's limits with this policy."""
    limits = msgspec.structs.replace(settings.limits, adl_policy=AdlPolicy.REHEDGE_ELSEWHERE)
    return msgspec.structs.replace(settings, limits=limits)


def not_opened_again_and_hedged(evidence: Evidence) -> str:
    """Each stroke against the orders after it, by instrument; the first one is answered elsewhere within seconds."""
    forced = [one for one in evidence.oracle.forced if one.at_ns >= evidence.begun_ns]
    if not forced:
        return "nothing was deleveraged"
    orders = evidence.orders(evidence.ended_ns + round(QUIET_S * NS_PER_S))
    for stroke in forced:
        for at_ns, client_id, intent in orders:
            after_s = (at_ns - stroke.at_ns) / NS_PER_S
            opens = intent.instrument == stroke.instrument and not intent.reduce_only
            if opens and HEARD_S < after_s < QUIET_S:
                return f"order {client_id} opened {intent.instrument} again {after_s:.1f} s after it was deleveraged"
    struck = {one.instrument for one in forced if one.at_ns < forced[0].at_ns + NS_PER_S}
    within_ns = forced[0].at_ns + round(ELSEWHERE_S * NS_PER_S)
    answered = any(forced[0].at_ns < at_ns < within_ns and one.instrument not in struck for at_ns, _, one in orders)
    return "" if answered else f"nothing was hedged elsewhere within {ELSEWHERE_S:g} s"


@pytest.mark.parametrize("seed", [101, 104])
def test_v06_the_hedge_is_made_elsewhere_and_not_opened_again_at_once(seed: int) -> None:
    mishap = msgspec.structs.replace(
        BY_ID["V06"],
        settings=elsewhere,
        criterion=must.every(not_opened_again_and_hedged, must.back_within(BACK_S)),
    )
    outcome = FaultWorld(seed, 3.0, STRATEGY.build, [mishap], book=BookKind.SWITCH).run()
    assert outcome.passed, (outcome.stuck, outcome.violations[:3], outcome.unmet)
    assert [one.id for one in outcome.played] == ["V06"]
