"""Checks every annotated shape of the decoder while it is imported."""

from jaxtyping import install_import_hook

# not the files that refuse wrong input themselves, with a better message
CHECKED = ("blocks", "cache", "chain", "generation", "layers", "model", "readout", "soft_cap", "weights")
_hook = install_import_hook([f"lrgd_jax.decoder.{name}" for name in CHECKED], "beartype.beartype")
