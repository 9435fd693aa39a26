#!/usr/bin/env bash
# transformers 5 reads an OLMo 3's "rope_theta" for its whole layers only; its sliding layers turn by 500,000 whatever the file says.
#
# The configuration of transformers 4.57 has one base for all layers, and that is what a config.json that it writes names.
# Guess: transformers 5 takes it for all layers, as it does for Llama or Qwen.
# Why it matters: a decoder is compared with transformers logit by logit. OLMo 3 as published has 500,000, so that nothing shows; a small model, or one
# with another base, has other logits in 5, without a word. We turn all layers by what the file says.
# Seen, transformers 4.57.6: 10000.0; 5.23.0: sliding_attention: 500000.0; full_attention: 10000.0
source "$(dirname "$0")/lib/environment.sh"
read_base() {
  python - <<'PY' 2>/dev/null
import json
import tempfile
from pathlib import Path

from transformers import AutoConfig

KINDS = ("sliding_attention", "full_attention")
with tempfile.TemporaryDirectory() as folder:
    written = {"model_type": "olmo3", "num_hidden_layers": 4, "rope_theta": 10000.0}
    Path(folder, "config.json").write_text(json.dumps(written))
    config = AutoConfig.from_pretrained(folder)
bases = getattr(config, "rope_parameters", None)
print(config.rope_theta if bases is None else "; ".join(f"{kind}: {bases[kind]['rope_theta']}" for kind in KINDS))
PY
}
environment 3.12 "transformers==4.57.6"
before="$(read_base)"
environment 3.12 "transformers==5.23.0"
expect "4.57.6: 10000.0, 5.23.0: sliding_attention: 500000.0; full_attention: 10000.0" "4.57.6: $before, 5.23.0: $(read_base)"
