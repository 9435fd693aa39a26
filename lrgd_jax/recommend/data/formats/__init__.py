"""Readers of the formats in which interactions come."""
