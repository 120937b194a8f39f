"""Request budgets: one bucket per account and endpoint class, refilled every second.

Owns the counting. Figures: venue reference section 2.1 (create, amend, cancel 10/s per UID, spot 20/s; queries 50/s).
"""

from hedgebot.exchange.types import EndpointClass, RateState

NS_PER_S = 1_000_000_000

PER_SECOND: dict[EndpointClass, int] = {
    EndpointClass.CREATE: 10,
    EndpointClass.CREATE_SPOT: 20,
    EndpointClass.AMEND: 10,
    EndpointClass.AMEND_SPOT: 20,
    EndpointClass.CANCEL: 10,
    EndpointClass.CANCEL_SPOT: 20,
    EndpointClass.CANCEL_ALL: 10,
    EndpointClass.SET_LEVERAGE: 10,
    EndpointClass.QUERY_ORDERS: 50,
    EndpointClass.QUERY_EXECUTIONS: 50,
    EndpointClass.QUERY_POSITIONS: 50,
    EndpointClass.QUERY_WALLET: 50,
}


class RateLimits:
    """Buckets of all accounts: a window opens with the first request and lasts one second."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._windows: dict[tuple[str, EndpointClass], tuple[int, int]] = {}

    def charge(self, account: str, endpoint: EndpointClass, now_ns: int) -> RateState:
        """Count one request. A refused one is not counted."""
        limit = PER_SECOND[endpoint]
        opened_ns, used = self._windows.get((account, endpoint), (now_ns, 0))
        if now_ns - opened_ns >= NS_PER_S:
            opened_ns, used = now_ns, 0
        allowed = used < limit or not self._enabled
        used = min(used + 1, limit)
        self._windows[account, endpoint] = (opened_ns, used)
        return RateState(allowed=allowed, limit=limit, remaining=limit - used, reset_at_ns=opened_ns + NS_PER_S)

    def state(self, account: str, endpoint: EndpointClass, now_ns: int) -> RateState:
        """Where a bucket stands."""
        limit = PER_SECOND[endpoint]
        opened_ns, used = self._windows.get((account, endpoint), (now_ns, 0))
        if now_ns - opened_ns >= NS_PER_S:
            opened_ns, used = now_ns, 0
        return RateState(
            allowed=used < limit or not self._enabled,
            limit=limit,
            remaining=limit - used,
            reset_at_ns=opened_ns + NS_PER_S,
        )
