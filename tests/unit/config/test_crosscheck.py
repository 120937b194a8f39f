from collections.abc import Callable
from pathlib import Path

import pytest

from hedgebot.config import load_config
from hedgebot.config.crosscheck import DATED as DATED_NAME

PERP = 'hedge_instrument = "bybit:linear:BTCUSDT"'
BUY = 'hedge_instrument_buy = "bybit:linear:BTCUSDT-25DEC26"'


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("band_coin = 0.25", "band_coin = 1.0", "band_coin = 1.0 must be below delta_limit_coin (1.0)"),
        ('role = "shared"', 'role = "book"', "has the role book, where hedgebot never orders"),
        ('hedge_account = "main"', 'hedge_account = "other"', "'other' is not one of the [accounts] (known: main)"),
        ("bybit:linear:BTCUSDT", "okx:linear:BTCUSDT", "is not traded at bybit, the venue of main"),
        ("bybit:linear:BTCUSDT", "bybit:linear:ETHUSDT", "does not look like an instrument on BTC"),
        ("bybit:linear:BTCUSDT", "bybit:inverse:BTCUSD", "delta_convention must be coin_neutral (keeps coins) or usd"),
        (
            PERP,
            f'{PERP}\nhedge_instrument_buy = "bybit:linear:BTCUSDT"',
            "hedge_instrument_buy = 'bybit:linear:BTCUSDT' is",
        ),
        (
            PERP,
            f'{PERP}\nhedge_instrument_sell = "okx:linear:BTC-25DEC26"',
            "hedge_instrument_sell = 'okx:linear:BTC-25",
        ),
        (PERP, f'{PERP}\nhedge_instrument_sell = "bybit:inverse:BTCUSD"', "bybit:inverse:BTCUSD is margined in BTC"),
        (PERP, f'{PERP}\n{BUY}\nhedge_instrument_sell = "bybit:linear:BTC-1"', "BTCUSDT would never be opened"),
        (PERP, f"{PERP}\nopposed_coin_max = 0.1", "opposed_coin_max does nothing with one hedge instrument"),
        (PERP, f'{PERP}\nhedge_fees_bps = {{ "bybit:linear:BTCUSDT" = 5.5 }}', "hedge_fees_bps does nothing with one"),
        (
            PERP,
            f'{PERP}\n{BUY}\nhedge_day_volumes_usd = {{ "bybit:linear:BTC-1" = 1e9 }}',
            "names 'bybit:linear:BTC-1', which is no hedge instrument here (those are: bybit:linear:BTCUSDT, ",
        ),
        (
            PERP,
            f'{PERP}\n{BUY}\nhedge_day_volumes_usd = {{ "bybit:linear:BTCUSDT" = 1e9 }}',
            "hedge_day_volumes_usd leaves out bybit:linear:BTCUSDT-25DEC26, whose trades would then cost no impact",
        ),
        (
            PERP,
            f'{PERP}\n{BUY}\nhedge_basis_vols_day = {{ "bybit:linear:BTCUSDT" = 0.0002 }}',
            "hedge_basis_vols_day leaves out bybit:linear:BTCUSDT-25DEC26, whose basis would then be no risk",
        ),
        ('funding_action = "no_risk"', 'funding_action = "switch"', "hedge_alternatives is missing"),
        (PERP, f'{PERP}\nhedge_alternatives = ["bybit:linear:BTCPERP"]', 'set funding_action = "switch"'),
        (PERP, f"{PERP}\nfunding_saving_day_min = 0.001", "funding_saving_day_min does nothing here"),
        (PERP, f'{PERP}\nhedge_alternatives = ["bybit:linear:BTCUSDT"]', "is hedge_instrument itself"),
        (PERP, f'{PERP}\nhedge_alternatives = ["bybit:linear:BTC1", "bybit:linear:BTC1"]', "is named twice"),
        (PERP, f'{PERP}\nhedge_alternatives = ["bybit:linear:ETHPERP"]', "does not look like an instrument on BTC"),
        ('underlyings = ["BTC", "ETH"]', 'underlyings = ["BTC", "SOL"]', "names SOL, which is not one of"),
        (
            'run_mode = "paper"',
            'run_mode = "live"',
            'is a simulated exchange or a testnet, but book.run_mode is "live"',
        ),
        ('endpoint = "http', '# endpoint = "http', 'would trade real money, but book.run_mode is "paper"'),
        ("# testnet = false", "testnet = true", "is true and endpoint is set too"),
        ("# testnet = false", 'api_key_file = "k"', "api_secret_file is missing; api_key_file and api_secret_file"),
        ("recv_window_ms = 5000", "recv_window_ms = 6000", "must be at most order_deadline_ms (limits: 5000)"),
    ],
)
def test_a_combination_that_cannot_be_meant_is_refused(
    spoil: Callable[..., list[str]], old: str, new: str, part: str
) -> None:
    assert any(part in sentence for sentence in spoil(old, new))


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        (
            "margin_use_alert = 0.50",
            "margin_use_alert = 0.75",
            "margin_use_alert = 0.75 must be below margin_use_no_risk",
        ),
        ("margin_use_clear = 0.60", "margin_use_clear = 0.80", "reducing must have an end"),
        (
            "private_silence_ms_halt = 120000",
            "private_silence_ms_halt = 15000",
            "must be below private_silence_ms_halt",
        ),
    ],
)
def test_limits_stand_in_order(spoil: Callable[..., list[str]], old: str, new: str, part: str) -> None:
    (sentence,) = spoil(old, new, file="limits.toml")
    assert sentence.startswith("limits.toml: ")
    assert part in sentence


def test_no_account_hedges_more_underlyings_than_a_kill_reaches_in_time(spoil: Callable[..., list[str]]) -> None:
    (sentence,) = spoil("open_orders_max = 40", "open_orders_max = 1", file="limits.toml")
    assert "2 underlyings are hedged on main; at most open_orders_max may be (limits: 1)" in sentence
    (sentence,) = spoil("open_orders_max = 1", "open_orders_max = 41", file="limits.toml")
    assert sentence.startswith("limits.toml: open_orders_max = 41 ")


DATED = 'hedge_instrument_sell = "bybit:linear:BTCUSDT-25DEC26"\n'


def test_the_halt_before_a_delivery_is_not_amid_the_average_of_its_price(spoil: Callable[..., list[str]]) -> None:
    (sentence,) = spoil("settlement_window_s = 1.0", f"{DATED}settlement_window_s = 7200.5")
    assert sentence == (
        "demo.toml: underlyings.BTC.settlement_window_s = 7200.5 s must be at most settling_ms_halt (limits: 3600000 "
        "ms, 3600 s): BTC must be frozen before the price of its hedge is averaged; set settling_ms_halt to at "
        "least 7200500"
    )


def test_a_window_may_be_as_long_as_the_halt_is_before_the_end_and_is_half_an_hour_where_none_is_named(
    spoil: Callable[..., list[str]], folder: Path
) -> None:
    limits = folder / "limits.toml"
    text = limits.read_text("utf-8").replace("settling_ms_halt = 3600000", "settling_ms_halt = 1000", 1)
    limits.write_text(text, "utf-8")
    assert load_config(folder / "demo.toml").limits.settling_ms_halt == 1_000
    (sentence,) = spoil("settlement_window_s = 1.0", DATED)
    assert "settlement_window_s = 1800 s must be at most settling_ms_halt (limits: 1000 ms, 1 s)" in sentence


def test_where_no_hedge_ends_the_window_is_not_held_against_the_halt(folder: Path) -> None:
    path = folder / "demo.toml"
    path.write_text(path.read_text("utf-8").replace("settlement_window_s = 1.0", "settlement_window_s = 7200.5"))
    assert load_config(path).limits.settling_ms_halt < 7_200_500


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("linear:BTCUSDT-25DEC26", True),
        ("inverse:BTCUSDZ26", True),
        ("linear:BTCPERP", False),
        ("inverse:BTCUSD", False),
    ],
)
def test_a_future_that_ends_is_known_by_its_name(name: str, ends: bool) -> None:
    assert bool(DATED_NAME.search(f"bybit:{name}")) == ends


def test_two_places_for_keys_are_one_too_many(spoil: Callable[..., list[str]]) -> None:
    two = 'keyring = "service"\napi_key_env = "K"\napi_secret_env = "S"'
    (sentence,) = spoil("# testnet = false", two)
    assert "more than one place for its keys (keyring, api_key_env)" in sentence


def test_real_accounts_need_a_place_for_their_keys(spoil: Callable[..., list[str]]) -> None:
    sentences = spoil('endpoint = "http://127.0.0.1:8787"', "testnet = true")
    assert any("names no place for its keys" in sentence for sentence in sentences)


@pytest.mark.parametrize(
    ("section", "part"),
    [
        ('kind = "webhook"', "alerts.ops is a webhook and must have url or url_file, one of them"),
        ('kind = "webhook"\nurl = "https://x.example"\nurl_file = "f"', "one of them"),
        ('kind = "command"', "alerts.ops is a command and must have command"),
        (
            'kind = "command"\ncommand = ["page"]\nurl = "https://x.example"',
            "alerts.ops.url does nothing for a command; leave it out",
        ),
        ('kind = "webhook"\nurl = "https://me:pw@x.example"', "must not hold a password"),
        ('kind = "webhook"\nurl = "x.example/hook"', "must be a web address like https://alerts.example.com/hook"),
        ('kind = "webhook"\nurl = "https://x.example"\ntimeout_s = 9', "timeout_s"),
        ('kind = "pigeon"', "kind"),
    ],
)
def test_an_alert_channel_that_cannot_work_is_refused(spoil: Callable[..., list[str]], section: str, part: str) -> None:
    assert any(part in sentence for sentence in spoil("[daemon]", f"[alerts.ops]\n{section}\n[daemon]"))


ACCOUNT = "[accounts.main]"
OTHER = """[accounts.options]
venue = "deribit"
role = "watched"
api_key_file = "k"
api_secret_file = "s"
"""


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (('role = "watched"', 'role = "book"'), "role = 'book' must be watched: hedgebot does not trade at deribit"),
        (('venue = "deribit"', 'venue = "bybit"'), "role = 'watched' is for venues where hedgebot does not trade"),
        (
            ('role = "watched"', 'role = "watched"\ndead_man_s = 10'),
            "dead_man_s does nothing for an account that is only",
        ),
        (
            ('role = "watched"', 'role = "watched"\norder_entry = "ws"'),
            "order_entry does nothing for an account that is",
        ),
        (('venue = "deribit"', 'venue = "okx"'), "api_passphrase_file is missing; api_key_file, api_secret_file and"),
        (('"s"\n', '"s"\napi_passphrase_file = "p"\n'), "does nothing: a key of deribit has no passphrase"),
        (('venue = "deribit"', 'venue = "binance"\ntestnet = true'), "testnet = true must be left out: Binance's test"),
        (('"s"\n', '"s"\n[treasury.options]\ntop_up_use = 0.4\ntarget_use = 0.3\n'), "has the role watched, where"),
    ],
)
def test_a_watched_account_is_only_watched(spoil: Callable[..., list[str]], change: tuple[str, str], part: str) -> None:
    sentences = spoil(ACCOUNT, OTHER.replace(*change) + ACCOUNT)
    assert any(part in sentence for sentence in sentences), sentences


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ('hedge_account = "main"', 'hedge_account = "options"', "has the role watched, where hedgebot never orders"),
        ("[strategies.delta_neutral]", '[strategies.delta_neutral]\naccounts = ["options"]', "which is only watched"),
    ],
)
def test_nothing_is_hedged_by_a_watched_account(
    spoil: Callable[..., list[str]], folder: Path, old: str, new: str, part: str
) -> None:
    main = folder / "demo.toml"
    main.write_text(main.read_text("utf-8") + "\n" + OTHER, "utf-8")
    sentences = spoil(old, new)
    assert any(part in sentence for sentence in sentences), sentences


def test_a_real_account_may_be_watched_in_a_paper_book(folder: Path) -> None:
    main = folder / "demo.toml"
    main.write_text(main.read_text("utf-8") + "\n" + OTHER, "utf-8")
    settings = load_config(main).engine_settings(7)
    assert [(one.name, one.venue, one.role.is_followed) for one in settings.accounts] == [
        ("main", "bybit", True),
        ("options", "deribit", False),
    ]
    assert [one.venue for one in settings.margin_parameters] == ["bybit", "deribit"]
