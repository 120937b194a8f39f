"""Scenario engine and venue margin models over dated parameter files."""
