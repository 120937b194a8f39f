"""Margin of accounts as each venue writes it, in one language. A module for each dialect; `dialects.py` tries them all.

A dialect's `read` gives None for a frame that is not of its venue or not of an account's margin. JSON is parsed with
`parse_float=str`, so that the digits a venue printed are still there.
"""
