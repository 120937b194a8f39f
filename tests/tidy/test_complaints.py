"""What users of other systems complained about, as requirements: each one names the test that holds it here.

The numbers are those of the project's survey (its section 3), with what it lists without one after them, in its order.
A name that no test bears fails this test.
"""

import ast
from functools import cache

import pytest

from tests.tidy.source import ROOT

PEERS, HEAD = "simulation/test_peers.py", "simulation/test_peers_head_to_head.py"
COMPLAINTS: dict[int, tuple[str, str, str]] = {
    1: (
        "no second hedge until the first is reflected or provably dead",
        "property/test_core_unknown.py",
        "test_absence_is_proof_only_after_the_deadline_and_from_every_source",
    ),
    2: (
        "cap hedge volume per exposure change; alarm when fills do not move the position",
        "unit/core/test_breakers.py",
        "test_more_hedging_than_drift_is_refused_and_told",
    ),
    3: ("no action on an unexplained position", PEERS, "test_a_position_feed_that_is_frozen"),
    4: (
        "own rate budget, hedge orders before polling",
        "unit/venues/test_buckets.py",
        "test_polls_cannot_take_what_is_kept_for_orders_nor_orders_what_is_kept_for_cancels",
    ),
    5: (
        "configuration tested, not interactive",
        "unit/config/test_loader.py",
        "test_the_demo_configuration_is_good",
    ),
    6: (
        "start only when the venue's snapshot matches",
        "unit/core/test_engine.py",
        "test_start_becomes_active_only_with_truth_and_a_fresh_market",
    ),
    7: ("restart never orphans an order", HEAD, "test_no_order_is_sent_twice"),
    8: (
        "state over a restart, no second position",
        "unit/core/test_breakers.py",
        "test_a_latched_strategy_stays_off_over_a_restart_until_somebody_enables_it",
    ),
    9: (
        "deterministic ids, idempotent replay",
        "simulation/test_restored_backup.py",
        "test_a_restored_backup_hands_out_no_id_twice",
    ),
    10: (
        "a fill is its trade id",
        "unit/core/test_engine.py",
        "test_the_same_fill_twice_from_any_source_changes_nothing",
    ),
    11: (
        "the snapshot is truth, history explains it",
        "unit/core/test_reconcile.py",
        "test_the_first_snapshot_is_adopted_with_its_evidence",
    ),
    12: (
        "never forget an order the venue still lists",
        "property/test_core_truth.py",
        "test_an_ended_order_that_the_venue_still_lists_is_cancelled",
    ),
    13: (
        "unknown stays unknown",
        "property/test_core_unknown.py",
        "test_an_unknown_order_holds_its_own_underlying_and_no_other",
    ),
    14: (
        "a mismatch blocks trading",
        "unit/core/test_reconcile.py",
        "test_a_difference_blocks_at_once_and_halts_when_it_lasts",
    ),
    15: (
        "cumulative, monotone fill accounting",
        "unit/core/test_order_table.py",
        "test_a_fill_before_the_acknowledgement_and_after_the_cancel_is_booked",
    ),
    16: ("query before any resend", HEAD, "test_an_answer_lost_and_the_order_filled"),
    17: (
        "an independent audit",
        "unit/journal/test_audit.py",
        "test_every_coin_is_explained_to_the_last_decimal",
    ),
    18: (
        "own trades by stream and by query until the end",
        "unit/core/test_order_table.py",
        "test_the_slot_stays_taken_until_every_reported_execution_is_booked",
    ),
    19: (
        "staleness by the venue's timestamp, fail closed",
        "unit/core/test_market.py",
        "test_a_repeated_timestamp_leaves_the_age_running",
    ),
    20: (
        "gap fill on every reconnect",
        "unit/core/test_reconcile.py",
        "test_after_a_reconnect_nothing_is_sent_before_the_venue_was_asked",
    ),
    21: (
        "a soak, bounded caches, a guard of resident memory",
        "e2e/test_soak.py",
        "test_p11_a_short_soak_does_not_grow_and_its_books_agree",
    ),
    22: ("units are typed, quantities in lots", PEERS, "test_a_quantity_that_is_no_multiple_of_the_lot"),
    23: (
        "payoffs apart: inverse contract and coin option",
        "unit/core/test_breakers.py",
        "test_profit_that_an_inverse_hedge_realises_is_no_fault_of_the_fill",
    ),
    24: (
        "greeks carry their convention",
        "unit/core/test_engine.py",
        "test_a_venue_delta_that_disagrees_is_reported",
    ),
    25: ("no lot is a no-op with its residual", PEERS, "test_a_hedge_that_rounds_to_no_lot"),
    26: (
        "attempts are capped and decided anew",
        "property/test_core_told.py",
        "test_an_order_that_never_fills_is_not_repeated_at_full_rate",
    ),
    27: ("dust accumulates until it can be traded", PEERS, "test_a_hedge_that_rounds_to_no_lot"),
    28: (
        "limit orders in a band; crossed, missing and wide books are refused",
        "unit/core/test_gate.py",
        "test_a_rule_alone_refuses_with_its_number_and_limit",
    ),
    29: ("dead data kills", PEERS, "test_a_kill_check_that_fails"),
    30: (
        "a kill is latched and taken back by name",
        "unit/core/test_unkill.py",
        "test_o09_unkill_fails_closed_while_a_cause_persists",
    ),
    31: (
        "what lowers risk passes every block",
        "property/test_core_gate.py",
        "test_what_lowers_risk_passes_where_it_must",
    ),
    32: (
        "written before the wire; a journal that fails stops new risk",
        "simulation/test_mutants.py",
        "test_an_order_sent_before_its_journal_row_is_caught",
    ),
    33: (
        "foreign trades, deleveraging and liquidation are events",
        HEAD,
        "test_each_thing_a_venue_may_do_has_its_policy",
    ),
    34: ("funding by the venue's own history", "unit/journal/test_cashbook.py", "test_funding_is_a_cost_of_its_own"),
    35: (
        "alerts never block, several channels",
        "unit/daemon/test_channels.py",
        "test_a_slow_webhook_ends_in_its_own_time",
    ),
    36: ("position mode is verified, never changed", HEAD, "test_an_account_in_the_wrong_mode"),
    37: (
        "a changed configuration does not hang the control socket",
        "unit/daemon/test_verbs_apply.py",
        "test_other_verbs_are_answered_while_a_configuration_waits_for_the_engine",
    ),
    38: (
        "requests are signed with the venue's time, whatever the machine's clock says",
        "unit/venues/test_clock.py",
        "test_the_clients_sign_with_the_venues_time",
    ),
    39: (
        "a storm of errors earns no ban, and a ban is kept",
        "wire/test_venue_bans.py",
        "test_v02_nothing_but_one_probe_leaves_inside_a_ban",
    ),
    40: (
        "cancelling all takes our own orders only",
        "unit/venues/test_direct.py",
        "test_where_others_order_too_only_ours_go_one_by_one",
    ),
    41: (
        "a coin without a price is unknown, never worth one",
        "unit/core/test_margin_legs.py",
        "test_a_coin_that_nobody_has_priced_makes_the_whole_unknown",
    ),
    42: (
        "one leg filled and the other not has its policy",
        "unit/core/test_moving_pairs.py",
        "test_what_was_closed_is_taken_back_where_it_was_when_the_other_market_stays_away",
    ),
    43: ("expired options leave the book", HEAD, "test_an_option_that_expires_inside_its_settlement_window"),
    44: (
        "nothing is hedged before positions have come",
        "unit/core/test_reconcile.py",
        "test_a_first_snapshot_that_lists_nothing_is_asked_for_again",
    ),
    45: (
        "orders that follow a price are bounded",
        "unit/core/test_chase_rule.py",
        "test_orders_follow_a_price_so_far_and_no_further",
    ),
}


ALSO: dict[int, tuple[tuple[str, str], ...]] = {
    21: (
        ("unit/venues/test_caches.py", "test_the_cache_is_bounded"),
        (
            "unit/daemon/test_assembly.py",
            "test_too_much_memory_ends_it_in_order_and_with_an_exit_code_that_restarts_it",
        ),
    ),
    39: (("unit/core/test_order_table.py", "test_refusals_back_off_and_raise_an_alert"),),
    41: (("unit/core/test_treasury_state.py", "test_a_move_of_a_coin_without_a_price_is_not_counted_as_nothing"),),
}
"""Where a requirement has several parts: the tests of the others."""


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_no_complaint_is_missing() -> None:
    assert sorted(COMPLAINTS) == list(range(1, 46))


@pytest.mark.parametrize("number", COMPLAINTS)
def test_a_complaint_has_its_test(number: int) -> None:
    requirement, path, name = COMPLAINTS[number]
    assert requirement
    for file, test in ((path, name), *ALSO.get(number, ())):
        assert test in names_in(file), f"{number} ({requirement}): tests/{file} has no {test}"
