"""A checkpoint twice, its forward pass and a chain of dual models: decoder.py DIRECTORY PROMPT_FILE."""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp

from lrgd_jax.decoder import apply, dual_chain, dual_layer, embed, generate, layer, load_directory, split_tokens

jax.config.update("jax_enable_x64", True)
config, params, tokenizer = load_directory(sys.argv[1], jnp.float64)

# tokens, and for each of them the number of the line that it belongs to; the last line is the query
text = Path(sys.argv[2]).read_text().rstrip("\n")
tokens, segments = tokenizer.encode_prompt(text)

ordinary = apply(params, config, tokens)
chain = dual_chain(params, config, tokens, segments)
print("largest logit", float(jnp.max(jnp.abs(ordinary))))
print("largest difference", float(jnp.max(jnp.abs(ordinary - chain))))

# the same by ranges of tokens: one demonstration, tokens 0 to 59, and the rest as the query
halves = split_tokens(len(tokens), [(0, 60)])
print("another split", float(jnp.max(jnp.abs(ordinary - dual_chain(params, config, tokens, halves)))))

# one link of the chain, on the input of the first layer
x = embed(params, tokens)
link = dual_layer(params.layers[0], config, x, segments)
print("first layer", float(jnp.max(jnp.abs(layer(params.layers[0], config, x) - link))))

print(tokenizer.decode(generate(params, config, tokens, 20)))
