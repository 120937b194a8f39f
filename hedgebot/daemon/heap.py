"""The garbage collector's share of a start: what lives for long is set aside, and what comes after is looked through.

Owns nothing but that. Changing the collector's thresholds is not needed once it knows how little there is to see.
"""

import gc


def set_aside() -> None:
    """Set aside all that is alive now (ccxt is large: a full collection of it would stop the loop for 100 ms).

    Full collections wait until a quarter of what the last one saw has come anew. The second one sees next to nothing:
    without it that quarter was of the whole client, and what lost connections leave behind in rings of references
    (errors, their traces, the frames' buffers) stayed for hours.
    """
    gc.collect()
    gc.freeze()
    gc.collect()
