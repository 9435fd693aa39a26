"""Attention over past users in its forms, each beside its dual: keys, demonstrations, initial weights, scores."""
