"""The loader and the decoder against transformers' LlamaForCausalLM, on tiny random models and the real checkpoint."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify.rounding.adjoint import adjoint_bound
from lrgd_jax.decoder import apply, generate, load_directory
from lrgd_jax.positions import Llama3Scaling, rotary_frequencies

from .helpers import within

torch = pytest.importorskip("torch", reason="parity with transformers needs torch; install the parity extra")
transformers = pytest.importorskip("transformers", reason="install the parity extra")

pytestmark = pytest.mark.parity

STRETCH = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
CONFIGS = {
    "heads = kv heads": {"num_key_value_heads": 4},
    "grouped": {"num_key_value_heads": 2},
    "multi-query": {"num_key_value_heads": 1},
    "tied": {"tie_word_embeddings": True},
    "attention biases": {"attention_bias": True},
    "feed-forward biases": {"mlp_bias": True},
    "wide heads": {"head_dim": 8},
    "rope theta": {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}},
    "stretched": {"rope_parameters": STRETCH, "head_dim": 16},
    "coarse norm": {"rms_norm_eps": 0.1},
}
TOKENS = np.array([1, 5, 3, 3, 30, 12, 0, 4, 17])


def random_llama(change):
    torch.manual_seed(0)
    options = {
        "vocab_size": 31,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "attn_implementation": "eager",
    }
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**(options | change))).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            centre = 1.0 if "norm" in name else 0.0
            parameter.copy_(centre + torch.randn_like(parameter) / (2 if parameter.ndim == 1 else 4))
    return model


def theirs(model, tokens):
    with torch.no_grad():
        return model(torch.tensor(tokens)[None]).logits[0].numpy()


def share_frequencies(model, config):
    """Gives transformers our frequencies: its own differ by their rounding, which the next test bounds by itself."""
    frequencies = rotary_frequencies(config.head_width, config.rope_theta, config.rope_scaling)
    model.model.rotary_emb.inv_freq = torch.tensor(frequencies.astype(np.float32))


@pytest.mark.parametrize("change", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("shard", [None, "4KB"], ids=["one file", "shards"])
def test_logits_are_those_of_transformers(tmp_path, change, shard):
    if shard is not None and change is not CONFIGS["grouped"]:
        pytest.skip("sharding is tried on one config")
    model = random_llama(change)
    model.save_pretrained(tmp_path, **({} if shard is None else {"max_shard_size": shard}))
    assert len(list(tmp_path.glob("*.safetensors"))) > 1 or shard is None
    config, params, _ = load_directory(tmp_path, jnp.float32)
    share_frequencies(model, config)

    def ours(params):
        return apply(params, config, jnp.asarray(TOKENS))

    # the same formula in the same precision, its sums in another order: either side may be off by one bound
    tolerance = 2 * adjoint_bound(ours, params, cuts="names").worst
    within(jax.jit(ours)(params), theirs(model, TOKENS), tolerance)


@pytest.mark.parametrize("change", CONFIGS.values(), ids=CONFIGS)
def test_rotary_frequencies_are_those_of_transformers(tmp_path, change):
    model = random_llama(change)
    model.save_pretrained(tmp_path)
    config = load_directory(tmp_path).config
    ours = rotary_frequencies(config.head_width, config.rope_theta, config.rope_scaling)
    # transformers computes 1 / theta^e in float32: e rounded by one unit roundoff moves the power by e ln(theta) of
    # them, then pow and the division round by a unit in the last place (two unit roundoffs) each at most
    roundoffs = math.log(config.rope_theta) + 4
    if config.rope_scaling is not None:
        # the stretch adds six operations, and the share kept is as steep as 1 / (high - low)
        stretch = config.rope_scaling
        assert isinstance(stretch, Llama3Scaling)
        plain = rotary_frequencies(config.head_width, config.rope_theta)
        turns = stretch.original_max_position_embeddings * plain / (2 * math.pi)
        steepness = stretch.factor * turns / (stretch.high_freq_factor - stretch.low_freq_factor)
        roundoffs = (roundoffs + 6) * (1 + steepness)
    unit = np.finfo(np.float32).eps / 2
    within(ours, model.model.rotary_emb.inv_freq.numpy(), roundoffs * unit * ours)


@pytest.mark.parametrize("change", [CONFIGS["grouped"], CONFIGS["stretched"]])
def test_greedy_tokens_are_those_of_transformers(tmp_path, change):
    model = random_llama(change | {"eos_token_id": None})
    model.save_pretrained(tmp_path)
    config, params, _ = load_directory(tmp_path)
    told = generate(params, config, jnp.asarray(TOKENS), 20)
    assert told.tolist() == continued(model, TOKENS, 20)


def test_the_story_is_that_of_transformers(shared_data):
    folder = shared_data / "stories260K"
    if not folder.is_dir():
        pytest.skip(f"no checkpoint at {folder}")
    model = transformers.LlamaForCausalLM.from_pretrained(folder, attn_implementation="eager")
    config, params, tokenizer = load_directory(folder)
    text = (shared_data / "prompts" / "stories.txt").read_text(encoding="utf-8").rstrip("\n")
    assert tokenizer is not None
    ids = tokenizer.encode(text)
    told = generate(params, config, ids, 200)
    same = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    assert same(text)["input_ids"] == ids.tolist()
    assert continued(model, np.asarray(ids), 200) == told.tolist()


def continued(model, tokens, steps):
    """Greedy by transformers' own generation, never stopping early."""
    with torch.no_grad():
        prompt = torch.tensor(np.asarray(tokens, np.int64))[None]
        whole = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            do_sample=False,
            min_new_tokens=steps,
            max_new_tokens=steps,
            pad_token_id=0,
            eos_token_id=None,
        )
    return whole[0, len(tokens) :].tolist()
