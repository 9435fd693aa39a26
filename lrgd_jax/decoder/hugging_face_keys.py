"""Keys of a config.json that change no number that a decoder computes, each under its reason."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["NEUTRAL", "WITHOUT_EFFECT"]

REASONS: Mapping[str, tuple[str, ...]] = {
    "what the file is, and who wrote it": (
        "_commit_hash",
        "_name_or_path",
        "architectures",
        "auto_map",
        "is_llama_config",
        "model_name",
        "model_type",
        "name_or_path",
        "transformers.js_config",
        "transformers_version",
        "transformers_weights",
        "unsloth_fixed",
        "unsloth_version",
    ),
    "how numbers are stored, which every tensor says itself": ("dtype", "torch_dtype", "use_bfloat16"),
    "how the weights were before and during training, and what was dropped there": (
        "attention_dropout",
        "attention_probs_dropout_prob",
        "attn_pdrop",
        "classifier_dropout",
        "dropout",
        "embd_pdrop",
        "gradient_checkpointing",
        "hidden_dropout",
        "hidden_dropout_prob",
        "initializer_range",
        "output_router_logits",
        "resid_pdrop",
        "router_aux_loss_coef",
    ),
    "another head than the one that predicts the next token": (
        "finetuning_task",
        "id2label",
        "label2id",
        "num_labels",
        "problem_type",
        "summary_activation",
        "summary_first_dropout",
        "summary_proj_to_labels",
        "summary_type",
        "summary_use_proj",
    ),
    "how the same numbers are computed, kept and handed back": (
        "_attn_implementation",
        "_attn_implementation_autoset",
        "_experts_implementation",
        "_flash_attn_2_enabled",
        "attn_implementation",
        "cache_implementation",
        "chunk_size_feed_forward",
        "is_decoder",
        "output_attentions",
        "output_hidden_states",
        "pretraining_tp",
        "reorder_and_upcast_attn",
        "return_dict",
        "return_dict_in_generate",
        "tie_last_hidden_states",
        "tokenizer_class",
        "torchscript",
        "use_cache",
        "use_flash_attn",
    ),
    "which of the tokens are padding; no token is, here": ("pad_token_id",),
    "how a text is sampled; the logits are the same": (
        "bad_words_ids",
        "begin_suppress_tokens",
        "decoder_start_token_id",
        "diversity_penalty",
        "do_sample",
        "early_stopping",
        "encoder_no_repeat_ngram_size",
        "exponential_decay_length_penalty",
        "forced_bos_token_id",
        "forced_eos_token_id",
        "length_penalty",
        "max_length",
        "max_new_tokens",
        "min_length",
        "no_repeat_ngram_size",
        "num_beam_groups",
        "num_beams",
        "num_return_sequences",
        "output_scores",
        "prefix",
        "remove_invalid_values",
        "repetition_penalty",
        "sep_token_id",
        "suppress_tokens",
        "task_specific_params",
        "temperature",
        "top_k",
        "top_p",
        "typical_p",
    ),
}

WITHOUT_EFFECT: Mapping[str, str] = MappingProxyType(
    {name: reason for reason, names in REASONS.items() for name in names}
)
"""Why a key changes no number, whatever it holds."""

NEUTRAL: Mapping[str, object] = MappingProxyType(
    {
        "add_cross_attention": False,
        "is_encoder_decoder": False,
        "partial_rotary_factor": 1.0,
        "pruned_heads": {},
        "rope_interleaved": False,
        "tf_legacy_loss": False,
        "tie_encoder_decoder": False,
        "use_bidirectional_attention": False,
        "use_mrope": False,
    }
)
"""The value with which a key changes no number; with another, families that do not read it refuse it."""
