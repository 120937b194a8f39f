"""Accounts whose margin alone is read: one client each, queries only. A module for each venue."""
