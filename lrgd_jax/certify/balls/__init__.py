"""Balls: a midpoint and a radius at any precision, whether a number exists, and how large the numbers behind it are."""
