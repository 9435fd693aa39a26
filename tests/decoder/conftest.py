"""Checks every annotated shape of the decoder while it is imported."""

from jaxtyping import install_import_hook

# not the files that refuse wrong input themselves, with a better message
CHECKED = (
    "attention",
    "cache",
    "chain_of_duals",
    "feed_forward",
    "forward",
    "generation",
    "layer_weights",
    "norms",
    "params",
    "readout",
    "soft_cap",
    "soft_capped_dual",
    "transformer_layer",
)
_hook = install_import_hook([f"lrgd_jax.decoder.{name}" for name in CHECKED], "beartype.beartype")
