"""O01 and O02: slips and half-written files, put to the running daemon."""

import re

import pytest

from tests.e2e import checker
from tests.e2e.harness import Daemon, World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def running_hash(daemon: Daemon) -> str:
    return str(daemon.ask("status")["data"]["daemon"]["config_hash"])


def alerts(daemon: Daemon) -> set[str]:
    return {str(one["kind"]) for one in daemon.ask("status")["data"]["daemon"]["alerts"]}


def change(world: World, *pairs: tuple[str, str]) -> None:
    """Write a changed configuration over the daemon's own."""
    text = world.config.read_text("utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    world.config.write_text(text, "utf-8")


BAND_X10 = (("band_coin = 0.25", "band_coin = 2.5"),)
BAND_X100 = (("band_coin = 0.25", "band_coin = 25.0"), ("delta_limit_coin = 5.0", "delta_limit_coin = 500.0"))
NOTIONAL_X1000 = (("order_notional_usd_max = 500000.0", "order_notional_usd_max = 500000000.0"),)


def test_o01_fat_fingers_are_refused_or_asked_twice_and_the_old_configuration_stays(world: World) -> None:
    daemon = world.daemon()
    daemon.until_active()
    good, before = world.config.read_text("utf-8"), running_hash(daemon)
    # Hard limits are not loosened in a running daemon at all.
    for pairs in (BAND_X100, NOTIONAL_X1000):
        change(world, *pairs)
        answer = daemon.ask("apply", operator="ada", reason="wider")
        assert (answer["ok"], answer["code"]) == (False, 6)
        assert "these settings need a restart: underlyings.BTC." in answer["error"]
        assert running_hash(daemon) == before
        world.config.write_text(good, "utf-8")
    change(world, *BAND_X10)
    answer = daemon.ask("apply", operator="ada", reason="wider")
    assert (answer["ok"], answer["code"]) == (False, 6)
    assert answer["data"]["check_the_unit"]
    assert "BTC: net delta" in answer["error"]
    assert "before 0.25" in answer["error"]
    assert running_hash(daemon) == before
    # The words of the console for an everyday change are not enough either.
    code, told = world.verb("config", "apply", str(world.config), "--confirm", "apply e2e", "-s", str(world.state_dir))
    assert code == 6, told
    assert running_hash(daemon) == before
    world.config.write_text(good, "utf-8")
    change(world, ("band_coin = 0.25", "band_coin = -0.25"))
    answer = daemon.ask("apply", operator="ada", reason="flipped")
    assert "band_coin" in answer["error"]
    assert running_hash(daemon) == before
    world.config.write_text(good, "utf-8")
    # What is meant is taken by who names exactly what was shown.
    change(world, *BAND_X10)
    shown = daemon.ask("apply", operator="ada", reason="meant")["data"]["confirm"]
    change(world, ("band_coin = 2.5", "band_coin = 2.6"))
    code, _ = world.verb("config", "apply", str(world.config), "--confirm", shown, "-s", str(world.state_dir))
    assert code == 6, "a confirmation of one file must not carry another"
    change(world, ("band_coin = 2.6", "band_coin = 2.5"))
    code, told = world.verb("config", "apply", str(world.config), "--confirm", shown, "-s", str(world.state_dir))
    assert (code, running_hash(daemon) != before) == (0, True), told
    applied = [row.payload["changes"] for row in checker.read_rows(world.state_dir) if row.kind == "ConfigApplied"]
    assert applied == [["underlyings.BTC.band_coin: 0.25 -> 2.5"]]


def test_o01_a_hard_limit_is_loosened_by_file_restart_and_a_second_step(world: World) -> None:
    daemon = world.daemon()
    daemon.until_active()
    assert daemon.stop() == 0
    change(world, ("order_notional_usd_max = 500000.0", "order_notional_usd_max = 900000.0"))
    refused = world.daemon()
    assert refused.process.wait() == 6, refused.words()
    assert "underlyings.BTC.order_notional_usd_max: 500000.0 -> 900000.0" in refused.process.words()
    (words,) = re.findall(r'--confirm "(loosen e2e [0-9a-f]{8})"', refused.process.words())
    where = (str(world.config), "-s", str(world.state_dir), "--operator", "ada", "--reason", "a larger book")
    assert world.verb("config", "confirm", *where)[0] == 6
    assert world.verb("config", "confirm", *where, "--confirm", words)[0] == 0
    for _ in range(2):
        daemon = world.daemon()
        daemon.until_active()
        assert daemon.stop() == 0
    told = [row.payload for row in checker.read_rows(world.state_dir) if row.kind == "ConfigApplied"]
    assert [(one["operator"], one["reason"]) for one in told] == [("ada", "a larger book")]


def test_o02_a_half_written_file_leaves_the_last_good_one_in_force_and_alerts(world: World) -> None:
    daemon = world.daemon()
    daemon.until_active()
    good, before = world.config.read_text("utf-8"), running_hash(daemon)
    for length in range(0, len(good) - 40, len(good) // 12):
        # An editor that writes in place was interrupted here.
        world.config.write_text(good[:length], "utf-8")
        answer = daemon.ask("apply", operator="ada", reason="reload")
        assert (answer["ok"], answer["code"]) == (False, 6), f"cut at {length}: {answer}"
        assert f"The running configuration {before} stays." in answer["error"]
        assert running_hash(daemon) == before
        assert "ConfigRejected" in alerts(daemon)
    world.config.write_text(good.replace("band_coin = 0.25", "band_coin = 0.26"), "utf-8")
    assert daemon.ask("apply", operator="ada", reason="whole again")["ok"]
    assert "ConfigRejected" not in alerts(daemon)
    assert running_hash(daemon) != before
    assert daemon.book()["mode"] == "active"
