"""Sequence models over items: attention stacks of a handful of scalars, trained on other catalogues.

An item is the vector of its title and a random signature, so that nothing of a catalogue can be kept in the weights:
what is known about it stands in the demonstrations.
"""
