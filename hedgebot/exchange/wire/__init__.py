"""The simulated exchange's wire face: Bybit v5 over HTTP and websockets on loopback, with a plane for faults.

A map of the room::

    server.py          starts and stops it all, drives the model with the wall clock
    api.py             what every part shares: the model, keys, clock, settings, faults
    http.py            one way in for HTTP: signature, receive window, weather, faults, envelope
    routes.py          the table of paths
    routes_*.py        what each path answers, as plain functions from parameters to a result
    entry.py, batch.py orders in, for HTTP and for the trade socket alike
    sessions.py        one connected socket: its outbox with a bound, its pump
    channels.py        what a client may say on each socket
    publish.py         who subscribed which market data, and when it is sent
    topics*.py         what each topic sends: snapshots, deltas, conflation
    private.py         account news to authenticated sockets
    bars.py, sampling.py, closing.py: histories that the model does not keep itself
    fields_*.py        the venue's field names, as pure functions of the model's values
    codes.py           the venue's return codes; faults.py, admin.py, truth.py: the test plane

It reads the venue's documentation (github.com/bybit-exchange/docs, docs/v5), never hedgebot's own adapter: names and
codes are written twice on purpose, so that a misreading on one side shows. Wall clock is time here.
"""
