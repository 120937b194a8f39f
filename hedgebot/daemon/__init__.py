"""The asyncio shell around the turn: feeds, timer, control socket, supervision, alerts."""
