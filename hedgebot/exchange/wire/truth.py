"""What really happened, for an outside checker: every order, execution, position and wallet of every account.

Owns the shape of `/admin/truth`, in neutral words (not the venue's): checkers must not trust the wire's own rendering.
"""

import msgspec

from hedgebot.exchange.types import Execution, FundingSettlement, SimOrder
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.fields_market import Fields


def truth(api: Api) -> Fields:
    """Everything, per account. Decimals are strings; quantities signed where they are positions."""
    exchange = api.exchange
    return {
        "now_ns": exchange.now_ns,
        "client_flow": exchange.client_flow_enabled,
        "crashes": api.crashes,
        "index": {one.name: exchange.index_price(one.name) for one in exchange.scenario.underlyings},
        "accounts": {name: _account(api, name) for name in exchange.accounts()},
    }


def _account(api: Api, name: str) -> Fields:
    exchange = api.exchange
    orders = sorted((*exchange.order_history(name), *exchange.open_orders(name)), key=lambda one: one.created_at_ns)
    return {
        "orders": [_order(one) for one in orders],
        "executions": [_execution(one) for one in exchange.executions(name) if isinstance(one, Execution)],
        "funding": [
            msgspec.to_builtins(one) for one in exchange.executions(name) if isinstance(one, FundingSettlement)
        ],
        "positions": [msgspec.to_builtins(one) for one in exchange.positions(name)],
        "wallet": msgspec.to_builtins(exchange.wallet(name)),
        "funding_wallet": msgspec.to_builtins(exchange.transfers.funding(name)),
        "transfers": [msgspec.to_builtins(one) for one in exchange.transfers.made(name)],
    }


def _order(order: SimOrder) -> Fields:
    fields: Fields = msgspec.to_builtins(order)
    return fields


def _execution(execution: Execution) -> Fields:
    fields: Fields = msgspec.to_builtins(execution)
    order = execution.order
    fields["order"] = {"order_id": order.order_id, "client_id": order.client_id, "origin": order.origin.value}
    return fields
