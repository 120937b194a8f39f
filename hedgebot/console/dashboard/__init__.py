"""The dashboard: one page in the browser, in a process of its own that only reads the daemon's control socket."""
