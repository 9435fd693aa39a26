"""Exact numbers: what every exact number system shares, and the rational numbers."""
