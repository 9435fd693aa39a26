"""Checks every annotated shape of the package while it is imported."""

from jaxtyping import install_import_hook

# not the losses, which refuse wrong input themselves, with a better message
CHECKED = ("attribution", "convergence", "head_contributions", "interactions", "shapley", "tracin")
_hook = install_import_hook([f"lrgd_jax.effect.{name}" for name in CHECKED], "beartype.beartype")
