"""Facts and words about limits of money reach the module that owns them."""

from hedgebot.core import money
from hedgebot.core.step import Step
from hedgebot.domain.commands import RecordOperator
from hedgebot.domain.operator_events import LimitRaised, LimitRestored
from hedgebot.domain.risk_events import FundingRead, RiskMeasured
from tests.support.playbook import ACCOUNT, Playbook, of_type


def test_each_goes_to_its_owner() -> None:
    book = Playbook()
    book.ready()
    step = Step(book.state, seq=1, at_ns=book.at_ns)
    measured = RiskMeasured(
        book_at_ns=1, es_usd=1.0, var_usd=1.0, equity_usd=100.0, scenarios=500, stale_days=0, problem=""
    )
    money.apply(step, measured)
    assert book.state.risk.measured == measured
    money.apply(step, LimitRaised(operator="ann", reason="r", limit="es_ratio_alert", to=0.045, for_ms=60_000))
    assert "es_ratio_alert" in book.state.risk.raised
    money.apply(step, LimitRestored(operator="ann", reason="r", limit="es_ratio_alert"))
    assert book.state.risk.raised == {}
    assert [one.accepted for one in of_type(step.commands, RecordOperator)] == [True, True]
    money.apply(step, FundingRead(account=ACCOUNT, since_ns=1, until_ns=2, rows=()))
    assert book.state.risk.funding_from_ns[ACCOUNT] > 0
