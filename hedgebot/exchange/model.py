"""The simulated exchange: deterministic, in process, on the caller's time. The face for the wire, the lab and tests.

Owns the order of things: time first, then requests at that time. It reads no clock, waits for nothing and does no IO
(recorded paths are loaded before, `recording.load_paths`).
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.account import Account
from hedgebot.exchange.books import Books
from hedgebot.exchange.budgets import Act, order_budget, request_budget
from hedgebot.exchange.checks import client_id_refusal
from hedgebot.exchange.clientflow import ClientFlow
from hedgebot.exchange.clockwork import Clockwork
from hedgebot.exchange.deadman import DeadMan
from hedgebot.exchange.desk import Desk
from hedgebot.exchange.fee_tiers import FeeRates, fee_rates
from hedgebot.exchange.funds import leverage_problem
from hedgebot.exchange.limits import RateLimits
from hedgebot.exchange.listings import find_holding
from hedgebot.exchange.margin_desk import MarginDesk
from hedgebot.exchange.margin_state import MarginState
from hedgebot.exchange.modes import as_understood
from hedgebot.exchange.orderfaults import OrderFaults
from hedgebot.exchange.pegtape import RecordedPeg
from hedgebot.exchange.pricepath import PricePath
from hedgebot.exchange.scenario import AccountSpec, Scenario, checked
from hedgebot.exchange.script import Script, recorded_clock
from hedgebot.exchange.switching import switch_mode
from hedgebot.exchange.transfers import TransferDesk
from hedgebot.exchange.trouble import Trouble
from hedgebot.exchange.troubles.bent import BentWorld as World
from hedgebot.exchange.troubles.striker import Striker
from hedgebot.exchange.types import (
    Ack,
    BookChanged,
    EndpointClass,
    Listing,
    Notice,
    OrderRequest,
    PositionChanged,
    PositionIndex,
    PublicTrade,
    RateState,
    Refusal,
    RefusalReason,
    TickerChanged,
    WhatIf,
)
from hedgebot.exchange.venue_rules import venue_rules
from hedgebot.exchange.views import Views
from hedgebot.exchange.whatif import what_if


class Exchange(Views):
    """One simulated exchange with all its accounts. Give it time with `advance` before each request.

    Same scenario, same start, same calls: same answers and notices. Histories are bounded (`history.py` says how).
    `paths` replaces the seeded generator for the underlyings it names; `pegs` are recorded (`recording.load_pegs`).
    """

    def __init__(
        self,
        scenario: Scenario,
        now_ns: int,
        paths: Mapping[str, PricePath] | None = None,
        pegs: Iterable[RecordedPeg] = (),
    ) -> None:
        self.scenario = checked(scenario, scenario.name)
        # Who hears notices, and whether also those of the market.
        self._listeners: list[tuple[Callable[[Notice], None], bool]] = []
        # Told of each order before it is matched: for who measures what an order does to its account.
        self.arriving: Callable[[OrderRequest], None] = lambda _request: None
        self.rules = venue_rules(scenario.venue_rules, scenario.ban_s)
        self._world = World(scenario, now_ns, paths or {}, pegs)
        self._accounts = {spec.name: self._open_account(spec) for spec in scenario.accounts}
        # The start is part of every id: another run of the same scenario must not repeat the ids of this one.
        self._books = Books(self._world, self._accounts, self._tell, f"{scenario.seed}/{now_ns}")
        self._books.heeded = self._books.market_heeded = False
        self._desk = Desk(self._books, self.rules)
        self.dead_man = DeadMan(self.rules.dead_man, self._desk, scenario.accounts)
        self.margin = MarginDesk(self._books, self._desk.orders)
        self.transfers = TransferDesk(self._books, self.wallet)
        self.troubles = Striker(self._desk, self._world, scenario)
        self.order_faults = OrderFaults(self._desk, scenario.seed, reduce_only_passes=self.rules.reduce_only_passes)
        self.limits = RateLimits(self.rules, enabled=scenario.rate_limits)
        flow = ClientFlow(scenario.client_flow, self._world, scenario.seed) if scenario.client_flow else None
        self._clockwork = Clockwork(self._books, self._desk, flow, self._tell, self.troubles.tick)
        self._script = Script(
            scenario,
            now_ns,
            recorded_clock(paths or {}, now_ns),
            strike=self.strike,
            spoil=self.order_faults.add,
            flow=flow,
            tell=self._tell,
        )

    def _open_account(self, spec: AccountSpec) -> Account:
        """An account with its first coins and positions, entered at the first marks; premiums were paid before."""
        account = Account(
            name=spec.name,
            leverage=spec.leverage,
            coins=dict(spec.coins),
            funding=dict(spec.funding_coins),
            fee_tier=spec.fee_tier,
            self_trade_group=spec.self_trade_group,
            margin=MarginState(
                mode=spec.margin_mode, not_collateral=set(spec.not_collateral), spot_margin=spec.spot_margin
            ),
        )
        listings = tuple(market.listing for market in self._world.markets.values())
        for holding in spec.positions:
            coin = holding.instrument.partition(":")[2].partition("/")[0]
            start = self._world.coins[coin].path.start_price if coin in self._world.coins else 0.0
            market = self._world.markets[find_holding(holding.instrument, listings, self.scenario, start)]
            position = account.position(market.instrument)
            position.trade(holding.contracts, self._world.mark(market))
            position.created_at_ns = position.updated_at_ns = self._world.start_ns
        return account

    # --- time and notices

    def advance(self, now_ns: int) -> None:
        """Let the world run to `now_ns`; earlier than now is ignored. Notices are delivered while it runs."""
        while (next_ns := self._world.now_ns + self._world.step_ns) <= now_ns:
            if self._script.next_ns is not None and self._script.next_ns <= next_ns:
                self._books.now_ns = next_ns
                self._script.play(next_ns)
            self._clockwork.step()
            self._catch_up()
        self._books.now_ns = max(self.now_ns, now_ns)
        self._catch_up()

    def next_event_ns(self) -> int:
        """When something happens by itself next: a step of the grid, a late order fault, a dead-man's switch."""
        next_ns = self._world.now_ns + self._world.step_ns
        for due_ns in (self.order_faults.due_ns(), self.dead_man.due_ns()):
            if due_ns is not None and due_ns < next_ns:
                next_ns = due_ns
        return next_ns

    def _catch_up(self) -> None:
        """What is due between the steps of the grid."""
        self.order_faults.advance(self.now_ns)
        self.dead_man.advance(self.now_ns)

    def listen(self, callback: Callable[[Notice], None], *, market: bool = True) -> Callable[[], None]:
        """Have every notice told to `callback`, in order; the answer ends that. It must not send requests itself.

        Without `market` the changes of books and tickers and public trades are left out: where nobody wants them, none
        are made.
        """
        listener = (callback, market)
        self._listeners.append(listener)
        self._note_heed()

        def unlisten() -> None:
            self._listeners.remove(listener)
            self._note_heed()

        return unlisten

    def _note_heed(self) -> None:
        self._books.heeded = bool(self._listeners)
        self._clockwork.heeded = self._books.market_heeded = any(market for _, market in self._listeners)

    def set_client_flow(self, *, enabled: bool) -> None:
        """Switch the generator of client trading on or off (from now on); nothing happens without one."""
        if self._clockwork.flow is not None:
            self._clockwork.flow.switch(enabled=enabled, now_ns=self.now_ns)

    def shock(self, underlying: str, ratio: float) -> None:
        """Multiply an underlying's prices (index, books, marks) by `ratio`, from its next live step on, for good.

        Shocks multiply. KeyError for an unknown underlying; ValueError when all its shocks together leave 0.01 to 100.
        """
        self._world.shock(underlying, ratio)

    def strike(self, trouble: Trouble) -> None:
        """Have a trouble happen now (`trouble.py` lists them). ValueError: a sentence saying what cannot be."""
        self.troubles.strike(trouble)

    @property
    def client_flow_enabled(self) -> bool:
        """Whether client trading is generated now."""
        return self._clockwork.flow is not None and self._clockwork.flow.enabled

    def _tell(self, notice: Notice) -> None:
        self._clockwork.heard(notice)
        self.troubles.watch.heard(notice)
        of_market = isinstance(notice, BookChanged | TickerChanged | PublicTrade)
        for callback, market in tuple(self._listeners):
            if market or not of_market:
                callback(notice)

    # --- requests (each counts against its rate bucket; `batched` ones against that of batches, see `budgets.py`)

    def place(self, request: OrderRequest, connection: str = "", *, batched: bool = False) -> Ack | Refusal:
        """Take an order and match it at once. A refusal leaves no trace; an Ack says nothing about fills.

        `connection` is the one that it came over, where a dead-man's switch asks for it.
        """
        self.arriving(request)
        category = self._category(request.instrument)
        refusal = self._over_budget(request.account, order_budget(Act.CREATE, category, batched=batched))
        refusal = refusal or client_id_refusal(self.rules.client_id, request.client_id)
        answer = refusal or self.dead_man.refusal(request.account) or self.order_faults.place(request)
        if isinstance(answer, Ack):
            self.dead_man.routed(answer.order_id, connection)
        return answer

    def cancel(
        self,
        account: str,
        instrument: InstrumentId,
        *,
        order_id: str | None = None,
        client_id: str | None = None,
        batched: bool = False,
    ) -> Ack | Refusal:
        """Cancel one order by its id or client id (order id first)."""
        category = self._category(instrument)
        refusal = self._over_budget(account, order_budget(Act.CANCEL, category, batched=batched))
        return refusal or self.order_faults.cancel(account, instrument, order_id, client_id)

    def amend(
        self,
        account: str,
        instrument: InstrumentId,
        *,
        order_id: str | None = None,
        client_id: str | None = None,
        qty_contracts: Decimal | None = None,
        limit_price: Decimal | None = None,
        batched: bool = False,
    ) -> Ack | Refusal:
        """Change quantity (the whole, filled part included) or price of an open order; None leaves it as it is.

        A smaller quantity at the same price keeps its place in the book. Any other change goes to the end of the queue
        at its price, and is matched at once where it now crosses (post-only: it ends instead).
        """
        category = self._category(instrument)
        refusal = self._over_budget(account, order_budget(Act.AMEND, category, batched=batched))
        return refusal or self._desk.amend(
            account, instrument, order_id, client_id, qty_contracts=qty_contracts, limit_price=limit_price
        )

    def set_leverage(self, account: str, instrument: InstrumentId, leverage: Decimal) -> Refusal | None:
        """Count a perpetual's margin at another leverage from now on; None when done. KeyError: unknown name."""
        market, holder = self._world.markets[instrument], self._accounts[account]
        refusal = self._over_budget(account, EndpointClass.SET_LEVERAGE) or leverage_problem(
            market, holder, leverage, self.open_orders(account), self._books.risk
        )
        if refusal is not None:
            return refusal
        holder.leverages[instrument] = leverage
        for index in PositionIndex:
            position = self.position(account, instrument, index)
            if position is not None:
                self._tell(PositionChanged(position=position))
        return None

    def switch_position_mode(self, account: str, chosen: InstrumentId | str, *, hedged: bool) -> Refusal | None:
        """Hold one position of an instrument (one-way) or a long and a short one (hedge mode); None when done.

        `chosen` is an instrument, refused while it has positions or orders, or a settlement coin: then instruments with
        positions or orders keep the mode they have. KeyError for an unknown account.
        """
        holder, orders = self._accounts[account], self.open_orders(account)
        return switch_mode(self._world, holder, orders, chosen, hedged=hedged)

    def fee_rates(self, account: str, instrument: InstrumentId) -> FeeRates:
        """What an account pays on an instrument. KeyError for an unknown one."""
        return fee_rates(self._accounts[account].fee_tier, self._world.markets[instrument].instrument.kind)

    def position_indices(self, account: str, instrument: InstrumentId) -> tuple[PositionIndex, ...]:
        """The positions of an instrument that orders can be about now: one, or a long and a short one."""
        return self._accounts[account].modes.indices(self._world.markets[instrument].instrument)

    def leverage(self, account: str, instrument: InstrumentId) -> Decimal:
        """Leverage that an instrument's margin is counted at."""
        return self._accounts[account].leverage_of(instrument)

    def what_if(self, request: OrderRequest) -> WhatIf:
        """Margin rates before and after an order, and whether it would be taken. Nothing changes, no budget is used.

        KeyError for an unknown account or instrument.
        """
        market, account = self._world.markets[request.instrument], self._accounts[request.account]
        request = as_understood(request)
        refusal = self._desk.problem(market, account, request)
        return what_if(market, account, request, self.open_orders(request.account), self._books.risk, refusal)

    def _category(self, instrument: InstrumentId) -> str:
        market = self._world.markets.get(instrument)
        return "" if market is None else market.instrument.category

    def cancel_all(
        self, account: str, chosen: Callable[[Listing], bool], category: str = ""
    ) -> tuple[Ack, ...] | Refusal:
        """Cancel every open order of the account on instruments that `chosen` picks; counts as one of `category`."""
        refusal = self._over_budget(account, request_budget(Act.CANCEL_ALL, category))
        if refusal is not None:
            return refusal
        answers = [
            self.order_faults.cancel(account, order.instrument, order.order_id, None)
            for order in self.open_orders(account)
            if chosen(self._world.markets[order.instrument].listing)
        ]
        return tuple(answer for answer in answers if isinstance(answer, Ack))

    def charge(self, account: str, endpoint: EndpointClass) -> RateState:
        """Count one request that is no order request; the face answers "rate limited" itself when not allowed."""
        return self.limits.charge(account, endpoint, self.now_ns)

    def rate_state(self, account: str, endpoint: EndpointClass) -> RateState:
        """Where a bucket stands, without counting."""
        return self.limits.state(account, endpoint, self.now_ns)

    def _over_budget(self, account: str, endpoint: EndpointClass | None) -> Refusal | None:
        if self.troubles.is_down:
            return Refusal(reason=RefusalReason.VENUE_DOWN, detail="the venue is in maintenance")
        if endpoint is None:
            return None
        state = self.charge(account, endpoint)
        if state.allowed:
            return None
        return Refusal(reason=RefusalReason.RATE_LIMITED, detail=f"{state.limit} {endpoint} requests per second")
