"""What is known of a hedge market that takes no orders. A record; what follows from it is `shut.py`'s."""

import msgspec


class ShutMarket(msgspec.Struct, kw_only=True):
    """`status` is the venue's word while it does not trade the market; empty while it does, or says nothing.

    `refused` are orders there that were refused since one was taken, the last at `refused_at_ns`; `closing`: one of
    them could only shrink what is held.
    """

    status: str = ""
    refused: int = 0
    refused_at_ns: int = 0
    closing: bool = False
