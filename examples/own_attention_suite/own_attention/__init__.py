"""Three attention layers, written without lrgd_jax: a flax nnx module, a torch module, a Pallas kernel."""
