"""Which budget an order request counts against: by what it asks, its category, and whether it came in a batch.

Owns the table only; `limits.py` counts, `venue_rules.py` has the figures. Source: docs/v5/rate-limit/rate-limit.mdx,
its table and "Instructions for batch endpoints"; docs/v5/order/batch-place.mdx for options.
"""

from enum import StrEnum

from hedgebot.exchange.types import EndpointClass


class Act(StrEnum):
    """What an order request asks for."""

    CREATE = "create"
    AMEND = "amend"
    CANCEL = "cancel"
    CANCEL_ALL = "cancel_all"


_TABLE: dict[Act, tuple[EndpointClass, EndpointClass, EndpointClass]] = {
    Act.CREATE: (EndpointClass.CREATE, EndpointClass.CREATE_SPOT, EndpointClass.CREATE),
    Act.AMEND: (EndpointClass.AMEND, EndpointClass.AMEND_SPOT, EndpointClass.AMEND),
    Act.CANCEL: (EndpointClass.CANCEL, EndpointClass.CANCEL_SPOT, EndpointClass.CANCEL),
    Act.CANCEL_ALL: (EndpointClass.CANCEL_ALL, EndpointClass.CANCEL_ALL_SPOT, EndpointClass.CANCEL_ALL_OPTION),
}
_BATCHED: dict[Act, tuple[EndpointClass, EndpointClass, EndpointClass]] = {
    Act.CREATE: (EndpointClass.CREATE_BATCH, EndpointClass.CREATE_BATCH_SPOT, EndpointClass.CREATE_BATCH_OPTION),
    Act.AMEND: (EndpointClass.AMEND_BATCH, EndpointClass.AMEND_BATCH_SPOT, EndpointClass.AMEND_BATCH_OPTION),
    Act.CANCEL: (EndpointClass.CANCEL_BATCH, EndpointClass.CANCEL_BATCH_SPOT, EndpointClass.CANCEL_BATCH_OPTION),
}


def request_budget(act: Act, category: str, *, batched: bool = False) -> EndpointClass:
    """The budget of a request (of a category that does not exist: that of derivatives). KeyError: no such batch."""
    derivatives, spot, option = (_BATCHED if batched else _TABLE)[act]
    return {"spot": spot, "option": option}.get(category, derivatives)


def order_budget(act: Act, category: str, *, batched: bool = False) -> EndpointClass | None:
    """The budget of one order; None where it was counted before: a batch of options counts once, whatever it holds."""
    if batched and category == "option":
        return None
    return request_budget(act, category, batched=batched)
