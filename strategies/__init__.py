"""Strategies, one to a file: each is found by its file's name and switched on in the configuration."""
