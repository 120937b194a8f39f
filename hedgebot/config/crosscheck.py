"""Combinations of keys that cannot be meant, each as a sentence. Pure; looks at the values as they were written.

It works on the raw tables, so that a wrong value elsewhere does not hide a wrong combination here.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hedgebot.config import reach, scopes, tokens, venues
from hedgebot.config.limitsfile import LimitsFile
from hedgebot.config.model import UnderlyingSection
from hedgebot.config.problems import Problem
from hedgebot.config.secrets import WITH_PASSPHRASE

Table = Mapping[str, Any]
KEY_PLACES = "api_key_file and api_secret_file, or keyring, or api_key_env and api_secret_env"
WHY_WINDOW = "after it an order that is nowhere to be found counts as never accepted"
DATED = re.compile(r"-\d|[FGHJKMNQUVXZ]\d\d$")
"""In the name of a future that ends: a date, or a month's letter and a year (Bybit's inverse ones)."""
WINDOW_S = UnderlyingSection.model_fields["settlement_window_s"].default
HEDGES = ("hedge_instrument", "hedge_instrument_buy", "hedge_instrument_sell")
ALTERNATIVES = "hedge_alternatives"
_OF_ALL = {
    "hedge_day_volumes_usd": "whose trades would then cost no impact",
    "hedge_basis_vols_day": "whose basis would then be no risk",
}
"""What is told of all hedge instruments or of none, for of one that is left out it would count for nothing."""
_BY_INSTRUMENT = ("hedge_fees_bps", *_OF_ALL)
NEVER_ORDERS = ("book", "watched")
WATCHED_VENUES = ("deribit", "okx", "binance")
KEY_PARTS = ("api_key", "api_secret")
OTHER_ROLES = "name an account with the role hedge or shared"


def check(main: Table, limits: LimitsFile | None, *, file: str, limits_file: str) -> list[Problem]:
    """All wrong combinations of the main file (as a raw table) and of the limits."""
    accounts, underlyings = _tables(main, "accounts"), _tables(main, "underlyings")
    problems: list[Problem] = []
    for name, account in accounts.items():
        problems += _account(f"accounts.{name}", account, _table(main, "book").get("run_mode", "paper"), limits, file)
    problems += venues.regions(accounts, file)
    for name, underlying in underlyings.items():
        problems += _underlying(name, underlying, accounts, file)
    problems += venues.forced(underlyings, limits, limits_file)
    problems += tokens.check(underlyings, accounts, _tables(main, "treasury"), file)
    problems += _hedges_on(underlyings, limits, file) + _windows(underlyings, limits, file)
    for name, strategy in _tables(main, "strategies").items():
        problems += _strategy(f"strategies.{name}", strategy, underlyings, file)
    problems += scopes.check(_tables(main, "strategies"), accounts, _tables(main, "holdings"), file)
    problems += reach.check(_tables(main, "strategies"), underlyings, file)
    for name, holding in _tables(main, "holdings").items():
        problems += _holding(f"holdings.{name}", holding, underlyings, file)
    for name, treasury in _tables(main, "treasury").items():
        problems += _treasury(f"treasury.{name}", name, treasury, accounts, underlyings, limits, file)
    problems += _events(_table(main, "margin").get("events"), file)
    for name, channel in _tables(main, "alerts").items():
        problems += _channel(f"alerts.{name}", channel, file)
    return problems + (_limits(limits, limits_file) if limits is not None else [])


def _account(key: str, account: Table, run_mode: object, limits: LimitsFile | None, file: str) -> list[Problem]:
    problems = []
    endpoint, testnet = account.get("endpoint"), account.get("testnet", False)
    if endpoint and testnet:
        problems.append((f"{key}.testnet", "is true and endpoint is set too; keep one of them"))
    real, trades = not endpoint and not testnet, account.get("role") != "watched"
    if run_mode == "paper" and real and trades:
        problems.append(
            (key, 'would trade real money, but book.run_mode is "paper"; set testnet = true, or run_mode = "live"')
        )
    if run_mode == "live" and not real and trades:
        problems.append(
            (key, 'is a simulated exchange or a testnet, but book.run_mode is "live"; set run_mode = "paper"')
        )
    words = ("api_key", "api_secret", "api_passphrase") if account.get("venue") in WITH_PASSPHRASE else KEY_PARTS
    for way in ("file", "env"):
        names = [f"{word}_{way}" for word in words]
        absent = [name for name in names if name not in account]
        if absent and len(absent) < len(names):
            problems.append((f"{key}.{absent[0]}", f"is missing; {', '.join(names[:-1])} and {names[-1]} go together"))
        if (passphrase := f"api_passphrase_{way}") in account and passphrase not in names:
            problems.append((f"{key}.{passphrase}", f"does nothing: a key of {account.get('venue')} has no passphrase"))
    problems += _watched(key, account)
    ways = [name for name in ("api_key_file", "keyring", "api_key_env") if name in account]
    if len(ways) > 1:
        problems.append((key, f"names more than one place for its keys ({', '.join(ways)}); keep one of them"))
    if not ways and not endpoint:
        problems.append(
            (
                key,
                f"names no place for its keys; give {KEY_PLACES}",
            )
        )
    window = account.get("recv_window_ms", 5_000)
    if trades and limits is not None and isinstance(window, int) and window > limits.order_deadline_ms:
        problems.append(
            (
                f"{key}.recv_window_ms",
                f"= {window} must be at most order_deadline_ms (limits: {limits.order_deadline_ms}): {WHY_WINDOW}",
            )
        )
    return [Problem(key=where, sentence=f"{file}: {where} {what}") for where, what in problems]


def _watched(key: str, account: Table) -> list[tuple[str, str]]:
    """Where hedgebot does not trade yet an account can only be watched, and what orders need does nothing there."""
    venue, role = account.get("venue"), account.get("role")
    if venue in WATCHED_VENUES and role != "watched":
        words = f"= {role!r} must be watched: hedgebot does not trade at {venue}, it only reads the account's margin"
        return [(f"{key}.role", words)]
    if role != "watched":
        return []
    if venue == "bybit":
        return [(f"{key}.role", "= 'watched' is for venues where hedgebot does not trade; at bybit it is book")]
    if venue == "binance" and account.get("testnet", False):
        words = "= true must be left out: Binance's test network does not answer what is asked of an account there"
        return [(f"{key}.testnet", words)]
    return [
        (f"{key}.{name}", "does nothing for an account that is only watched; leave it out")
        for name in ("dead_man_s", "drop_copy", "order_entry", "order_timeout_ms")
        if name in account
    ]


def _underlying(name: str, underlying: Table, accounts: Mapping[str, Table], file: str) -> list[Problem]:
    key = f"underlyings.{name}"
    problems = []
    band, limit = _number(underlying.get("band_coin")), _number(underlying.get("delta_limit_coin"))
    if band is not None and limit is not None and band >= limit:
        problems.append(
            (f"{key}.band_coin", f"= {band} must be below delta_limit_coin ({limit}): a hedge comes before the alarm")
        )
    hedges = _hedges(underlying)
    inverse = next((one for one in hedges.values() if one.split(":")[1:2] == ["inverse"]), None)
    if inverse and underlying.get("delta_convention") in (None, "linear"):
        problems.append(
            (
                f"{key}.delta_convention",
                f"must be coin_neutral (keeps coins) or usd_neutral (keeps USD): {inverse} is margined in {name}",
            )
        )
    hedge_account = underlying.get("hedge_account")
    account = accounts.get(hedge_account) if isinstance(hedge_account, str) else None
    if isinstance(hedge_account, str) and account is None:
        known = ", ".join(sorted(accounts)) or "none"
        problems.append((f"{key}.hedge_account", f"= {hedge_account!r} is not one of the [accounts] (known: {known})"))
    if account is not None and account.get("role") in NEVER_ORDERS:
        problems.append(
            (
                f"{key}.hedge_account",
                f"= {hedge_account!r} has the role {account['role']}, where hedgebot never orders; {OTHER_ROLES}",
            )
        )
    for role, instrument in hedges.items():
        if instrument.count(":") != 2:
            continue
        venue, _, symbol = instrument.split(":")
        if account is not None and account.get("venue", venue) != venue:
            problems.append(
                (f"{key}.{role}", f"= {instrument!r} is not traded at {account['venue']}, the venue of {hedge_account}")
            )
        if name not in symbol:
            problems.append((f"{key}.{role}", f"= {instrument!r} does not look like an instrument on {name}"))
    problems += _several_hedges(key, underlying, hedges)
    return [Problem(key=where, sentence=f"{file}: {where} {what}") for where, what in problems]


def _hedges(underlying: Table) -> dict[str, str]:
    """Every hedge instrument by the key that names it."""
    hedges = {role: underlying[role] for role in HEDGES if isinstance(underlying.get(role), str)}
    return hedges | {f"{ALTERNATIVES}[{number}]": one for number, one in enumerate(_alternatives(underlying))}


def _windows(underlyings: Mapping[str, Table], limits: LimitsFile | None, file: str) -> list[Problem]:
    """A dated hedge freezes its underlying before its price is averaged, not amid it with a part of its delta gone."""
    if limits is None:
        return []
    halt_ms, problems = limits.settling_ms_halt, []
    for name, underlying in underlyings.items():
        if not any(DATED.search(one) for one in _hedges(underlying).values()):
            continue
        key = f"underlyings.{name}.settlement_window_s"
        window_s = _number(underlying.get("settlement_window_s", WINDOW_S))
        if window_s is not None and window_s * 1_000 > halt_ms:
            words = (
                f"= {window_s:g} s must be at most settling_ms_halt (limits: {halt_ms} ms, {halt_ms / 1_000:g} s): "
                f"{name} must be frozen before the price of its hedge is averaged; "
                f"set settling_ms_halt to at least {math.ceil(window_s * 1_000)}"
            )
            problems.append(Problem(key=key, sentence=f"{file}: {key} {words}"))
    return problems


def _hedges_on(underlyings: Mapping[str, Table], limits: LimitsFile | None, file: str) -> list[Problem]:
    """No account hedges more underlyings than a kill can cancel orders on it in time: each has one order at a time."""
    accounts = Counter(str(one["hedge_account"]) for one in underlyings.values() if "hedge_account" in one)
    return [
        Problem(
            key="underlyings",
            sentence=f"{file}: {count} underlyings are hedged on {account}; at most open_orders_max may be (limits: "
            f"{limits.open_orders_max}): a kill cancels no more orders in two seconds. Hedge some on another account",
        )
        for account, count in accounts.items()
        if limits is not None and count > limits.open_orders_max
    ]


def _alternatives(underlying: Table) -> list[str]:
    found = underlying.get(ALTERNATIVES, ())
    return [one for one in found if isinstance(one, str)] if isinstance(found, list | tuple) else []


def _several_hedges(key: str, underlying: Table, hedges: Mapping[str, str]) -> list[tuple[str, str]]:
    """What two instruments of one underlying must not be: the same, or such that one of them is never opened."""
    main, others = hedges.get("hedge_instrument"), {role: one for role, one in hedges.items() if role != HEDGES[0]}
    problems = [
        (f"{key}.{role}", f"= {one!r} is hedge_instrument itself; leave it out, it is for another instrument")
        for role, one in others.items()
        if one == main
    ]
    sides = [one for role, one in others.items() if role in HEDGES]
    problems += [
        (f"{key}.{role}", f"= {one!r} is named twice; each instrument once")
        for role, one in others.items()
        if one != main and role not in HEDGES and list(others.values()).count(one) > 1
    ]
    switches, alternatives = underlying.get("funding_action") == "switch", _alternatives(underlying)
    if switches and not alternatives:
        problems.append((f"{key}.{ALTERNATIVES}", 'is missing; funding_action = "switch" needs what to switch to'))
    if alternatives and not switches:
        problems.append((f"{key}.{ALTERNATIVES}", 'does nothing here; set funding_action = "switch"'))
    if "funding_saving_day_min" in underlying and not switches:
        problems.append((f"{key}.funding_saving_day_min", 'does nothing here; set funding_action = "switch"'))
    if len(sides) == len(HEDGES) - 1 and not problems:
        words = "would never be opened: name one of them as hedge_instrument and leave its key out"
        problems.append((f"{key}.hedge_instrument_buy", f"and hedge_instrument_sell are both set, {main} {words}"))
    problems += [
        (f"{key}.{name}", "does nothing with one hedge instrument; set hedge_instrument_buy or hedge_instrument_sell")
        for name in ("opposed_coin_max", "hedge_hold_days", *_BY_INSTRUMENT, "impact_ratio")
        if name in underlying and not others
    ]
    known = ", ".join(hedges.values())
    problems += [
        (f"{key}.{name}", f"names {one!r}, which is no hedge instrument here (those are: {known})")
        for name in _BY_INSTRUMENT
        for one in _names(underlying.get(name))
        if one not in hedges.values()
    ]
    for name, why in _OF_ALL.items():
        named = _names(underlying.get(name))
        unnamed = [one for one in hedges.values() if one not in named]
        if others and named and unnamed:
            without = f"leaves out {', '.join(unnamed)}, {why}; name all of them, or none"
            problems.append((f"{key}.{name}", without))
    return problems


def _names(table: object) -> list[str]:
    return [one for one in table if isinstance(one, str)] if isinstance(table, Mapping) else []


def _strategy(key: str, strategy: Table, underlyings: Mapping[str, Table], file: str) -> list[Problem]:
    wanted = strategy.get("underlyings")
    if not isinstance(wanted, list | tuple):
        return []
    known = ", ".join(sorted(underlyings)) or "none"
    return [
        Problem(
            key=f"{key}.underlyings",
            sentence=f"{file}: {key}.underlyings names {one}, which is not one of the [underlyings] (known: {known})",
        )
        for one in wanted
        if one not in underlyings
    ]


def _holding(key: str, holding: Table, underlyings: Mapping[str, Table], file: str) -> list[Problem]:
    problems, kind, coin = [], str(holding.get("kind")), holding.get("coin")
    needed, other = {"file": ("path", "url"), "http": ("url", "path")}.get(kind, ("", ""))
    if needed and needed not in holding:
        problems.append((f"{key}.{needed}", f"is missing; a holding of kind {kind} needs it"))
    if other in holding:
        problems.append((f"{key}.{other}", f"does nothing for a holding of kind {kind}; leave it out"))
    if isinstance(coin, str) and coin not in underlyings:
        known = ", ".join(sorted(underlyings)) or "none"
        problems.append((f"{key}.coin", f"= {coin!r} is not one of the [underlyings] (known: {known})"))
    every, oldest = _number(holding.get("every_s", 30.0)), _number(holding.get("age_s_max"))
    if every is not None and oldest is not None and every >= oldest:
        problems.append((f"{key}.age_s_max", f"= {oldest} must be above every_s ({every}): it would be old each time"))
    return [Problem(key=where, sentence=f"{file}: {where} {what}") for where, what in problems]


def _treasury(
    key: str,
    name: str,
    treasury: Table,
    accounts: Mapping[str, Table],
    underlyings: Mapping[str, Table],
    limits: LimitsFile | None,
    file: str,
) -> list[Problem]:
    problems = []
    if name not in accounts:
        known = ", ".join(sorted(accounts)) or "none"
        problems.append((key, f"is not the name of one of the [accounts] (known: {known})"))
    elif (role := accounts[name].get("role")) in NEVER_ORDERS:
        problems.append((key, f"has the role {role}, where hedgebot moves nothing; {OTHER_ROLES}"))
    if treasury.get("coin", "USDT") in underlyings:
        problems.append((f"{key}.coin", "is one of the [underlyings]: moving it would change the delta"))
    line, target = _number(treasury.get("top_up_use")), _number(treasury.get("target_use"))
    if line is not None and target is not None and target >= line:
        problems.append((f"{key}.target_use", f"= {target} must be below top_up_use ({line})"))
    if limits is not None and line is not None and line >= limits.margin_use_reduce:
        why = f"must be below margin_use_reduce (limits: {limits.margin_use_reduce}): a top-up comes before the floor"
        problems.append((f"{key}.top_up_use", f"= {line} {why}"))
    if limits is not None and target is not None and target >= limits.margin_use_clear:
        why = f"must be below margin_use_clear (limits: {limits.margin_use_clear}), or REDUCING would not end"
        problems.append((f"{key}.target_use", f"= {target} {why}"))
    once, day = _number(treasury.get("move_max_qty", 0)), _number(treasury.get("day_max_qty", 0))
    if once and day is not None and day < once:
        problems.append((f"{key}.day_max_qty", f"= {day} must be at least move_max_qty ({once})"))
    least = _number(treasury.get("move_min_qty", 100))
    if once and least is not None and once < least:
        problems.append((f"{key}.move_max_qty", f"= {once} must be at least move_min_qty ({least}), or 0 for none"))
    return [Problem(key=where, sentence=f"{file}: {where} {what}") for where, what in problems]


def _events(events: object, file: str) -> list[Problem]:
    problems = []
    for number, one in enumerate(events if isinstance(events, list | tuple) else ()):
        start, end = (one.get("start"), one.get("end")) if isinstance(one, Mapping) else (None, None)
        if not isinstance(start, datetime) or not isinstance(end, datetime):
            continue
        if start.tzinfo and end.tzinfo and end <= start:
            key = f"margin.events.{number}.end"
            problems.append(Problem(key=key, sentence=f"{file}: {key} = {end} must be after start ({start})"))
    return problems


def _channel(key: str, channel: Table, file: str) -> list[Problem]:
    needed = {"webhook": ("url", "url_file"), "command": ("command",)}.get(str(channel.get("kind")))
    if needed is None:
        return []
    problems = []
    if sum(name in channel for name in needed) != 1:
        problems.append((key, f"is a {channel['kind']} and must have {' or '.join(needed)}, one of them"))
    problems += [
        (f"{key}.{name}", f"does nothing for a {channel['kind']}; leave it out")
        for name in ("url", "url_file", "command")
        if name in channel and name not in needed
    ]
    return [Problem(key=where, sentence=f"{file}: {where} {what}") for where, what in problems]


def _limits(limits: LimitsFile, file: str) -> list[Problem]:
    ordered: list[tuple[str, str, str]] = [
        ("margin_use_alert", "margin_use_no_risk", "the alert comes first"),
        ("margin_use_no_risk", "margin_use_reduce", "risk is stopped before it is reduced"),
        ("margin_use_clear", "margin_use_reduce", "reducing must have an end"),
        ("option_age_ms_max", "option_age_ms_stop", "the band widens before hedging stops"),
        ("private_silence_ms_max", "private_silence_ms_halt", "hedging pauses before the book is halted"),
    ]
    soft = (
        ("es_ratio_alert", "es_ratio_max"),
        ("daily_loss_usd_alert", "daily_loss_usd_max"),
        ("drawdown_ratio_alert", "drawdown_ratio_max"),
        ("bleed_usd_alert", "bleed_usd_max"),
    )
    # A soft limit that was left out is never above its hard one: raises.py sees to that.
    ordered += [(low, high, "the alert comes first") for low, high in soft if low in limits.model_fields_set]
    return [
        Problem(
            key=low,
            sentence=f"{file}: {low} = {getattr(limits, low)} must be below {high} ({getattr(limits, high)}): {why}",
        )
        for low, high, why in ordered
        if getattr(limits, low) >= getattr(limits, high)
    ]


def _table(tables: Table, name: str) -> Table:
    value = tables.get(name)
    return value if isinstance(value, Mapping) else {}


def _tables(tables: Table, name: str) -> dict[str, Table]:
    return {key: value for key, value in _table(tables, name).items() if isinstance(value, Mapping)}


def _number(value: object) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
