"""Each key of the limits and of an underlying is sorted: hard with its direction, soft, or no limit."""

import pytest

from hedgebot.config.limitsfile import LimitsFile
from hedgebot.config.model import UnderlyingSection
from hedgebot.config.tiers import LOOSER_LARGER, LOOSER_SMALLER, LOOSEST, NO_LIMIT, SOFT, loosens
from hedgebot.core.raises import soft_limits
from hedgebot.domain.settings import LimitSettings

TABLES = (LOOSER_LARGER, LOOSER_SMALLER, frozenset(LOOSEST), SOFT, NO_LIMIT)


@pytest.mark.parametrize("key", sorted({*LimitsFile.model_fields, *UnderlyingSection.model_fields}))
def test_each_key_is_sorted_once(key: str) -> None:
    """A new limit belongs into one table of config/tiers.py: hard (which way is looser?), soft, or no limit."""
    assert [key in table for table in TABLES].count(True) == 1


def test_no_table_names_a_key_that_does_not_exist() -> None:
    known = {*LimitsFile.model_fields, *UnderlyingSection.model_fields}
    assert frozenset().union(*TABLES) <= known


def test_soft_is_what_an_operator_may_raise_for_a_while() -> None:
    assert frozenset(soft_limits(LimitSettings())) == SOFT


@pytest.mark.parametrize(
    ("key", "old", "new", "looser"),
    [
        ("book_age_ms_max", 5_000, 600_000, True),
        ("book_age_ms_max", 5_000, 1_000, False),
        ("liquidation_distance_min", 0.08, 0.01, True),
        ("liquidation_distance_min", 0.08, 0.2, False),
        ("adl_policy", "halt", "freeze", True),
        ("adl_policy", "freeze", "halt", False),
        ("adl_policy", "freeze", "rehedge_elsewhere", True),
        ("adl_policy", "halt", "rehedge_elsewhere", True),
        ("adl_policy", "rehedge_elsewhere", "freeze", False),
        ("adl_policy", "rehedge_elsewhere", "halt", False),
        ("collateral_shock_in_floor", True, False, True),
        ("collateral_shock_in_floor", False, True, False),
        ("funding_action", "no_risk", "alert", True),
        ("funding_action", "no_risk", "unwind", False),
        ("es_ratio_alert", 0.04, 0.045, False),
        ("margin_use_alert", 0.5, 0.9, False),
        ("a_key_that_nobody_sorted", 1, 0, True),
        ("a_key_that_nobody_sorted", 1, 1, False),
    ],
)
def test_which_way_is_looser(key: str, old: object, new: object, looser: bool) -> None:
    assert loosens(key, old, new) is looser
