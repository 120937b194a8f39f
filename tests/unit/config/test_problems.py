from collections.abc import Callable
from pathlib import Path

import pytest

from hedgebot.config.problems import show_value, unknown_key


def test_a_misspelt_key_is_one_sentence_with_the_key_that_was_meant(spoil: Callable[..., list[str]]) -> None:
    assert spoil("band_coin = 0.25", "bnad_coin = 0.25") == [
        "demo.toml: underlyings.BTC.bnad_coin = 0.25 is not a known key; did you mean underlyings.BTC.band_coin?"
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "meant"),
    [
        ("demo.toml", "band_coin = 0.25", "band_usd = 500", "underlyings.BTC.band_coin"),
        ("demo.toml", "recv_window_ms = 5000", "recv_window_s = 5", "accounts.main.recv_window_ms"),
        ("limits.toml", "book_age_ms_max = 5000", "book_age_s_max = 5", "book_age_ms_max"),
        ("limits.toml", "daily_loss_usd_max = 50000.0", "daily_loss_coin_max = 1", "daily_loss_usd_max"),
    ],
)
def test_a_wrong_unit_says_so_and_names_the_right_key(
    spoil: Callable[..., list[str]], file: str, old: str, new: str, meant: str
) -> None:
    (sentence,) = spoil(old, new, file=file)
    assert "has another unit" in sentence
    assert sentence.endswith(f"did you mean {meant}?")


def test_a_misspelt_section_is_found(spoil: Callable[..., list[str]]) -> None:
    assert spoil("[daemon]", "[deamon]") == ["demo.toml: deamon is not a known section; did you mean daemon?"]


def test_a_key_in_the_wrong_section_is_sent_to_the_right_one(spoil: Callable[..., list[str]]) -> None:
    sentences = spoil("[daemon]", "[daemon]\nbook_age_ms_max = 3\nband_coin = 4.0")
    assert sentences == [
        "demo.toml: daemon.book_age_ms_max = 3 is not a known key; it belongs into the file of limits",
        "demo.toml: daemon.band_coin = 4.0 is not a known key; it belongs into a section of [underlyings]",
    ]


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("band_coin = 0.25", "band_coin = -0.25", "band_coin = -0.25 must be above 0; it is a number of coins"),
        ("band_coin = 0.25", "band_coin = 0", "must be above 0"),
        ("band_coin = 0.25", "band_coin = nan", "band_coin = nan must be"),
        ("band_coin = 0.25", "band_coin = inf", "band_coin = inf must be a finite number"),
        ("band_coin = 0.25", "band_coin = true", "band_coin = true must be a number, not true or false"),
        ("band_coin = 0.25", 'band_coin = "wide"', "band_coin = 'wide' must be a number of coins"),
        ("target_ratio = 0.75", "target_ratio = 1.0", "target_ratio = 1.0 must be below 1"),
        ("target_ratio = 0.75", "target_ratio = 0", "target_ratio = 0 must be above 0"),
        ("collar_bps = 20.0", "collar_bps = 2000", "must be at most 500; it is a number of basis points"),
        ("recv_window_ms = 5000", "recv_window_ms = 5", "must be at least 500; it is a number of milliseconds"),
        ("inbox_capacity = 10000", "inbox_capacity = 10000.5", "must be a whole number"),
        ('role = "shared"', 'role = "owner"', "role = 'owner' must be 'book', 'hedge', 'shared' or 'watched'"),
        ('log_level = "info"', 'log_level = "loud"', "must be 'debug', 'info', 'warning' or 'error'"),
        ('underlyings = ["BTC", "ETH"]', "underlyings = []", "must not be empty"),
        ("[accounts.main]", "[accounts.Main]", "accounts.Main is not a name that can be used"),
        ('name = "demo"', "", "book.name is missing; it must be the name of this book"),
    ],
)
def test_a_wrong_value_says_what_would_be_right(spoil: Callable[..., list[str]], old: str, new: str, part: str) -> None:
    sentences = spoil(old, new)
    assert any(part in sentence for sentence in sentences)


def test_all_problems_are_told_at_once(folder: Path, spoil: Callable[..., list[str]]) -> None:
    path = folder / "demo.toml"
    path.write_text(path.read_text("utf-8").replace("collar_bps = 20.0", "collar_bps = -1", 2), "utf-8")
    sentences = spoil("margin_use_alert = 0.50", "margin_use_alert = 50", file="limits.toml")
    assert len(sentences) == 3


def test_a_pasted_secret_is_never_shown(spoil: Callable[..., list[str]]) -> None:
    sentences = spoil('order_entry = "ws"', 'order_entry = "ws"\napi_secret = "hunter2-hunter2"')
    assert "hunter2" not in "\n".join(sentences)
    assert sentences == [
        (
            "demo.toml: accounts.main.api_secret must not stand in a configuration: "
            "give api_key_file and api_secret_file instead"
        )
    ]


def test_secrets_hide_wherever_their_key_tells() -> None:
    assert show_value("a.passphrase", "x1y2") == "(a value that is not shown)"
    assert show_value("a.api_key_file", "secrets/key") == "'secrets/key'"
    assert len(show_value("a.b", "x" * 500)) == 60


def test_a_key_like_no_other_lists_what_is_known() -> None:
    assert unknown_key("book.zzzzz", 1, ["name", "run_mode"], file="f").endswith("known here: name, run_mode")
