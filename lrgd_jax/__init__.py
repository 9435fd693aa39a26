"""In-context learning as gradient descent, executable.

Attention forms beside their explicit dual models, and claims that say where they meet. What `__all__` lists is the
interface (docs/api-policy.md). Each name is loaded when it is first used, so that importing the package loads no JAX,
changes no configuration, and imports no plotting library.
"""

import lazy_loader

__version__ = "0.1.0"

# the names, and where each of them lives, stand in __init__.pyi, which type checkers read too
__getattr__, __dir__, _lazy = lazy_loader.attach_stub(__name__, __file__)
__all__ = [*_lazy, "__version__"]
