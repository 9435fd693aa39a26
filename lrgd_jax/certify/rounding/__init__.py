"""Floating point: a value and its rounding error, a rule for each primitive, and measured constants of the compiler."""
