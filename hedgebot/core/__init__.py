"""The engine and its state: everything that decides, and nothing that waits."""
