"""Request budgets: buckets per account and endpoint class, visits per address, and bans. Figures: `venue_rules.py`.

Owns the counting. Must not know what a request is, nor how a refusal looks.
"""

from dataclasses import dataclass

from hedgebot.domain.durations import NS_PER_S
from hedgebot.exchange.types import EndpointClass, RateState
from hedgebot.exchange.venue_rules import BanRule, Quota, VenueRules

_DAY_NS = 86_400 * NS_PER_S
# Addresses remembered; the one that was silent longest is forgotten.
ADDRESSES_MAX = 1_000


@dataclass(slots=True)
class _Bucket:
    """What was used: since `opened_ns` in a window, or what is left undripped of a leaking one at `opened_ns`."""

    opened_ns: int
    used: float = 0.0


@dataclass(slots=True)
class _Address:
    """One address's visits and bans."""

    opened_ns: int
    visits: int = 0
    refused: int = 0
    banned_until_ns: int = 0
    bans: int = 0
    last_ban_ns: int = -_DAY_NS


class RateLimits:
    """Budgets of all accounts and addresses. Disabled, it counts and lets everything pass (but for bans on order)."""

    def __init__(self, rules: VenueRules, *, enabled: bool) -> None:
        self._rules = rules
        self._enabled = enabled
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._addresses: dict[str, _Address] = {}
        self._banned_all_until_ns = 0

    # --- accounts

    def charge(self, account: str, endpoint: EndpointClass, now_ns: int) -> RateState:
        """Count one request. A refused one is not counted."""
        quota, bucket = self._bucket(account, endpoint, now_ns)
        allowed = bucket.used + quota.cost <= quota.limit
        if allowed or not self._enabled:
            bucket.used = min(bucket.used + quota.cost, float(quota.limit))
        return _state(quota, bucket, now_ns, allowed=allowed or not self._enabled)

    def state(self, account: str, endpoint: EndpointClass, now_ns: int) -> RateState:
        """Where a bucket stands, without counting."""
        quota, bucket = self._bucket(account, endpoint, now_ns)
        allowed = bucket.used + quota.cost <= quota.limit or not self._enabled
        return _state(quota, bucket, now_ns, allowed=allowed)

    def _bucket(self, account: str, endpoint: EndpointClass, now_ns: int) -> tuple[Quota, _Bucket]:
        """The bucket of a class, brought to now."""
        quota = self._rules.quota(endpoint)
        bucket = self._buckets.setdefault((account, quota.pool or endpoint.value), _Bucket(now_ns))
        passed_ns = now_ns - bucket.opened_ns
        if quota.refill_per_s:
            bucket.used = max(bucket.used - quota.refill_per_s * passed_ns / NS_PER_S, 0.0)
            bucket.opened_ns = now_ns
        elif passed_ns >= quota.window_s * NS_PER_S:
            bucket.opened_ns, bucket.used = now_ns, 0.0
        return quota, bucket

    # --- addresses

    def visit(self, address: str, now_ns: int) -> bool:
        """Count a request of an address, whatever it is for; whether it may pass."""
        if now_ns < self._banned_all_until_ns:
            return False
        seen = self._seen(address, now_ns)
        if now_ns < seen.banned_until_ns:
            return False
        rule = self._rules.ban
        if rule is None or not self._enabled:
            return True
        if now_ns - seen.opened_ns >= rule.window_s * NS_PER_S:
            seen.opened_ns, seen.visits, seen.refused = now_ns, 0, 0
        if seen.visits < rule.visits:
            seen.visits += 1
            return True
        seen.refused += 1
        if seen.refused > rule.patience:
            self._ban(seen, rule, now_ns)
        return False

    def _ban(self, seen: _Address, rule: BanRule, now_ns: int) -> None:
        seen.bans = seen.bans + 1 if now_ns - seen.last_ban_ns < _DAY_NS else 1
        seconds = rule.ban_s
        if rule.ban_s_max is not None:
            seconds = min(rule.ban_s * 2.0 ** (seen.bans - 1), rule.ban_s_max)
        seen.last_ban_ns, seen.banned_until_ns = now_ns, now_ns + int(seconds * NS_PER_S)

    def _seen(self, address: str, now_ns: int) -> _Address:
        seen = self._addresses.pop(address, None) or _Address(now_ns)
        # Put back at the end: the first one is the one that was silent longest.
        self._addresses[address] = seen
        if len(self._addresses) > ADDRESSES_MAX:
            del self._addresses[next(iter(self._addresses))]
        return seen

    def ban(self, until_ns: int, address: str | None = None, now_ns: int = 0) -> None:
        """Shut an address out (None: everyone) until a moment; an earlier one ends a ban. By order, not by counting."""
        if address is None:
            self._banned_all_until_ns = until_ns
        else:
            self._seen(address, now_ns).banned_until_ns = until_ns

    def banned_until_ns(self, address: str) -> int:
        """When an address's ban ends; 0 (or a moment in the past) where there is none."""
        seen = self._addresses.get(address)
        return max(self._banned_all_until_ns, seen.banned_until_ns if seen else 0)


def _state(quota: Quota, bucket: _Bucket, now_ns: int, *, allowed: bool) -> RateState:
    left = int((quota.limit - bucket.used) // quota.cost)
    if quota.refill_per_s:
        missing = max(bucket.used + quota.cost - quota.limit, 0.0)
        reset_ns = now_ns + int(missing / quota.refill_per_s * NS_PER_S)
    else:
        reset_ns = bucket.opened_ns + int(quota.window_s * NS_PER_S)
    return RateState(allowed=allowed, limit=quota.limit // quota.cost, remaining=left, reset_at_ns=reset_ns)
