"""The durable log: codec, store, tape, replay, verification, queries."""
