"""Claims: statements with proofs, checked against derived tolerances and tried against mutants.

Each name is loaded when it is first used, so that `lrgd claims` lists claims without loading JAX.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
