"""What people see of one account: streams, truth, margin with its regime and standing stresses. A pure function."""

import math
from decimal import Decimal

import msgspec

from hedgebot.core import (
    cash,
    deadman,
    limits,
    margin_regime,
    margin_stress,
    margin_watch,
    margin_watched,
    market,
    unnamed,
)
from hedgebot.core.state import AccountState, EngineState
from hedgebot.domain.decimals import float_or_none


class StreamView(msgspec.Struct, frozen=True, kw_only=True):
    """One connection."""

    stream: str
    up: bool
    age_ms: int | None


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """One account: streams, margin, truth. `unnamed` are coins of its wallet that are no exposure, in words."""

    account: str
    venue: str
    role: str
    streams: tuple[StreamView, ...]
    reconciled: bool
    reconciled_age_ms: int | None
    margin_use: float | None
    equity_usd: float | None
    initial_margin_usd: float | None
    maintenance_margin_usd: float | None
    margin_age_ms: int | None
    clock_offset_ms: float | None
    differences: tuple[str, ...]
    dead_man: str = ""
    liquidation: str = ""
    regime: str = ""
    collateral_shock: str = ""
    collateral_shock_use: float | None = None
    collateral_shock_missing_usd: float | None = None
    margin_hike: str = ""
    margin_hike_use: float | None = None
    watched: bool = False
    pocket: str = ""
    unnamed: tuple[str, ...] = ()


def account_view(state: EngineState, account: AccountState, at_ns: int) -> AccountView:
    """Describe one account at a moment."""
    wallet = account.wallet
    streams = (("public", account.public), ("private", account.private), ("trade", account.trade))
    is_followed = account.role.is_followed
    stress, (shock, hike) = account.margin.standing_stress, margin_stress.describe(state, account)
    return AccountView(
        account=account.name,
        venue=account.venue,
        role=account.role.value,
        streams=tuple(
            StreamView(
                stream=name, up=one.up, age_ms=market.elapsed_ms(at_ns, one.alive_at_ns) if one.alive_at_ns else None
            )
            for name, one in (streams if is_followed else ())
        ),
        reconciled=account.reconciled,
        reconciled_age_ms=market.elapsed_ms(at_ns, account.snapshot_at_ns) if account.snapshot_at_ns else None,
        margin_use=limits.margin_use(state, account, at_ns),
        equity_usd=float_or_none(wallet.equity_usd) if wallet else None,
        initial_margin_usd=float_or_none(wallet.initial_margin_usd) if wallet else None,
        maintenance_margin_usd=float_or_none(wallet.maintenance_margin_usd) if wallet else None,
        margin_age_ms=market.elapsed_ms(at_ns, account.wallet_at_ns) if wallet else None,
        clock_offset_ms=account.clock_offset_ms if market.clock_is_known(account, at_ns) else None,
        differences=tuple(f"{subject}: venue {venue_value}" for subject, venue_value in _venue_values(account).items()),
        dead_man=deadman.describe(state, account, at_ns),
        liquidation=margin_watch.describe(account),
        regime=margin_regime.describe(state, account, at_ns),
        collateral_shock=shock,
        collateral_shock_missing_usd=None if stress is None else stress.shock_missing_usd,
        collateral_shock_use=None if stress is None else _finite(stress.shock_use),
        margin_hike=hike,
        margin_hike_use=None if stress is None else _finite(stress.hike_use),
        watched=not is_followed,
        pocket=margin_watched.describe(account),
        unnamed=unnamed.describe(state, account) if is_followed else (),
    )


def _venue_values(account: AccountState) -> dict[str, Decimal]:
    """The venue's number of everything that differs, settlement coins included."""
    found = {subject: one.venue_value for subject, one in account.mismatches.items()}
    return found | {subject: one.venue_value for subject, one in cash.told(account).items()}


def _finite(value: float | None) -> float | None:
    """A number that JSON can hold; a use without any equity is said in words."""
    return value if value is not None and math.isfinite(value) else None
