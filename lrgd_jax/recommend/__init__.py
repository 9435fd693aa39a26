"""An in-context recommender: attention over past users' transitions is one step of its dual model.

The rooms, in the order in which a history becomes a list: `data` (read, clean, cut), `forms` (keys, demonstrations,
initial weights and the attention that reads them), `measure` (rankings and metrics), `effect` (what a demonstration is
worth), `learning` (the meta-parameters), `selection` and `adaptation` (which demonstrations, at which rates),
`robustness` (attacks, noise, regularisers), `serving` (the recommender as its users hold it). Each name is loaded when
it is first used.
"""

import lazy_loader

# the names, and where each of them lives, stand in __init__.pyi, which type checkers read too
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
