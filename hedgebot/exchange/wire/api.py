"""What every part of the wire face shares: the model, the clock, keys, accounts' settings, faults, subscribers.

Owns no protocol. The model runs on real wall time; `venue_ms` is what clients are told, skew included.
"""

import hmac
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.errors import HedgebotError
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import AccountSpec
from hedgebot.exchange.types import InstrumentStatus, Listing
from hedgebot.exchange.wire.bars import Bars
from hedgebot.exchange.wire.codes import BAD_KEY, BAD_SIGN, BAD_TIMESTAMP, NO_PERMISSION, WireError
from hedgebot.exchange.wire.faults import FaultPlane
from hedgebot.exchange.wire.sampling import backfill, sample
from hedgebot.exchange.wire.words import scalar, writable

RECV_WINDOW_MS = 5_000
AHEAD_MS_MAX = 1_000
REQUESTS_KEPT = 2_000
NOTE_CHARS_MAX = 500
NOTE_ITEMS_MAX = 300
# A process that slept does not replay hours of market in one go: the world falls behind and catches up tick by tick.
CATCH_UP_NS_MAX = 2_000 * NS_PER_MS

# What a bug in the model or a handler raises: caught at the edge, logged, answered with a server error.
CRASHES = (ArithmeticError, AttributeError, HedgebotError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request that arrived, for tests and for `/admin/requests`."""

    at_ms: int
    account: str | None
    method: str
    path: str
    params: dict[str, object]
    code: int | None


class KeyState(StrEnum):
    """What has become of an account's API key."""

    GOOD = "good"
    READ_ONLY = "read_only"
    EXPIRED = "expired"
    REVOKED = "revoked"
    WRONG_ADDRESS = "wrong_address"
    MAY_WITHDRAW = "may_withdraw"  # good, and with rights that no trading key should have
    MAY_TRANSFER = "may_transfer"  # good, and able to move coins between its user's own wallets


TRANSFER_RIGHT = "AccountTransfer"
_WALLET_RIGHTS = {
    KeyState.MAY_TRANSFER: (TRANSFER_RIGHT,),
    KeyState.MAY_WITHDRAW: (TRANSFER_RIGHT, "Withdraw"),
}


class Api:
    """The exchange as its handlers see it."""

    def __init__(self, exchange: Exchange, faults: FaultPlane) -> None:
        self.exchange = exchange
        self.faults = faults
        self.bars = Bars()
        backfill(exchange, self.bars)
        sample(exchange, self.bars)
        self.accounts = {key: one for one in exchange.scenario.accounts for key in (one.api_key, *one.more_api_keys)}
        self.seen: deque[Seen] = deque(maxlen=REQUESTS_KEPT)
        self.keys: dict[str, KeyState] = {}
        self.crashes = 0
        # Frames that left, by channel, account ("" for public ones) and topic; see `sessions.py` for its bound.
        self.delivered: dict[tuple[str, str, str], int] = {}
        # Orders that ended before this moment are in the history only, as after a restart of the venue.
        self.closed_since_ns = 0
        self.after_request: Callable[[], None] = lambda: None

    @property
    def venue_ms(self) -> int:
        """The venue's clock in milliseconds."""
        return time.time_ns() // NS_PER_MS + self.faults.skew_ms

    def advance(self) -> None:
        """Let the world run to now."""
        exchange = self.exchange
        exchange.advance(min(time.time_ns(), exchange.now_ns + CATCH_UP_NS_MAX))

    # --- who asks

    def key_owner(self, key: str) -> AccountSpec:
        """The account of an API key that is good; raises WireError."""
        spec = self.accounts.get(key)
        state = self.keys.get(spec.name, KeyState.GOOD) if spec is not None else KeyState.REVOKED
        if spec is None or state is KeyState.REVOKED:
            raise WireError(BAD_KEY, "API key is invalid.")
        if state is KeyState.EXPIRED:
            raise WireError(33004, "Your api key has expired")
        if state is KeyState.WRONG_ADDRESS:
            raise WireError(10010, "Unmatched IP, please check your API key's bound IP addresses.")
        return spec

    def account_of(self, key: str) -> str | None:
        """The account that a key names, whether the key is good or not."""
        spec = self.accounts.get(key)
        return None if spec is None else spec.name

    def key_rights(self, account: str) -> tuple[bool, tuple[str, ...]]:
        """Whether an account's key may only look, and its rights on the wallet."""
        state = self.keys.get(account, KeyState.GOOD)
        return state is KeyState.READ_ONLY, _WALLET_RIGHTS.get(state, ())

    def check_may_trade(self, account: str) -> None:
        """Refuse what changes something for a key that may only look; raises WireError."""
        if self.keys.get(account) is KeyState.READ_ONLY:
            raise WireError(NO_PERMISSION, "Permission denied, please check your API key permissions.")

    def check_signature(self, spec: AccountSpec, origin: str, signature: str) -> None:
        """Hold a signature against the account's secret; raises WireError."""
        given = signature.lower().encode("utf-8", "replace")
        if not hmac.compare_digest(sign(spec.api_secret, origin).encode(), given):
            raise WireError(BAD_SIGN, f"error sign! origin_string[{writable(origin[:NOTE_CHARS_MAX])}]")

    def check_timestamp(self, timestamp: str, recv_window: str) -> None:
        """The venue's rule: server - window <= timestamp < server + 1,000 ms; raises WireError."""
        server_ms = self.venue_ms
        try:
            sent_ms, window_ms = int(timestamp), int(recv_window or RECV_WINDOW_MS)
        except ValueError:
            raise WireError(BAD_TIMESTAMP, "invalid request, timestamp or recv_window is no number") from None
        if not server_ms - window_ms <= sent_ms < server_ms + AHEAD_MS_MAX:
            raise WireError(
                BAD_TIMESTAMP,
                "invalid request, please check your server timestamp or recv_window param. "
                f"req_timestamp[{sent_ms}],server_timestamp[{server_ms}],recv_window[{window_ms}]",
            )

    # --- instruments

    def find(self, category: str, symbol: str) -> Listing | None:
        """A listed instrument."""
        return self.exchange.listing(InstrumentId(f"bybit:{category}:{symbol}"))

    def listings(self, category: str, *, settled: bool = False) -> list[Listing]:
        """Instruments of a category, settled ones only when asked."""
        return [
            one
            for one in self.exchange.listings()
            if one.instrument.category == category and (settled or one.status is not InstrumentStatus.SETTLED)
        ]

    def note(self, account: str | None, method: str, path: str, params: dict[str, object], code: int | None) -> None:
        """Remember a request (the last 2,000), with long and nested parameters cut."""
        kept = {writable(name[:NOTE_CHARS_MAX]): _kept(params[name]) for name in list(params)[:NOTE_ITEMS_MAX]}
        self.seen.append(Seen(at_ms=self.venue_ms, account=account, method=method, path=path, params=kept, code=code))


def sign(secret: str, origin: str) -> str:
    """HMAC-SHA256 in lowercase hex, as every signature of the venue."""
    return hmac.new(secret.encode(), origin.encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def _kept(value: object) -> object:
    """A parameter as it is remembered: scalars and lists of scalars, bounded."""
    if isinstance(value, str):
        return writable(value[:NOTE_CHARS_MAX])
    if isinstance(value, list):
        return [_kept(one) if isinstance(one, str) else scalar(one) for one in value[:NOTE_ITEMS_MAX]]
    return value if isinstance(value, (bool, int, float)) or value is None else type(value).__name__
