"""How much memory reading a checkpoint takes at its peak, beside the size of its weights in float32.

python benchmarks/loading_memory.py writes docs/results/loading/summary.json: SmolLM2 as GGUF, which the package
smollm2 holds, and a Llama of a gigabyte in four files, written for the purpose. Each is read in a process of its own,
whose largest resident memory (Linux) less what it had before counts everything, the mapped file too. With --before PATH
another checkout reads the same.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from lrgd_jax.atomic import write_json

ROOT = Path(__file__).resolve().parent.parent
SHARDS = 4
CONFIG = {
    "model_type": "llama",
    "hidden_size": 1024,
    "intermediate_size": 2816,
    "num_hidden_layers": 18,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "vocab_size": 32000,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": True,
}
CHILD = """
import json, sys
from pathlib import Path
import jax
from lrgd_jax.decoder import load_decoder

def kilobytes(field):
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if field in line)

jax.numpy.ones(3).block_until_ready()
before = kilobytes("VmHWM")
params = jax.block_until_ready(load_decoder(sys.argv[1]).params)
size = sum(leaf.size * 4 for leaf in jax.tree.leaves(params))
print(json.dumps({"float32": size, "peak": 1024 * (kilobytes("VmHWM") - before)}))
"""


def shapes() -> dict[str, tuple[int, ...]]:
    """The tensors of `CONFIG`, as Hugging Face names them."""
    width, hidden, vocab = CONFIG["hidden_size"], CONFIG["intermediate_size"], CONFIG["vocab_size"]
    layer = {f"self_attn.{name}_proj.weight": (width, width) for name in "qkvo"}
    layer |= {f"mlp.{name}_proj.weight": (hidden, width) for name in ("gate", "up")}
    layer |= {"mlp.down_proj.weight": (width, hidden)}
    layer |= {f"{name}_layernorm.weight": (width,) for name in ("input", "post_attention")}
    layers = range(CONFIG["num_hidden_layers"])
    named = {f"model.layers.{k}.{name}": shape for k in layers for name, shape in layer.items()}
    return named | {"model.embed_tokens.weight": (vocab, width), "model.norm.weight": (width,)}


def write_checkpoint(folder: Path) -> Path:
    """A Llama whose weights are all alike, in files of a quarter of them each."""
    (folder / "config.json").write_text(json.dumps(CONFIG))
    named, place = [*shapes().items()], {}
    for k in range(SHARDS):
        file = f"model-{k + 1:05}-of-{SHARDS:05}.safetensors"
        tensors = {name: np.full(shape, 0.01, np.float32) for name, shape in named[k::SHARDS]}
        save_file(tensors, folder / file)
        place |= dict.fromkeys(tensors, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": place}))
    return folder


def measure(source: str | Path, checkouts: dict[str, Path]) -> dict[str, float]:
    """Bytes of the weights in float32, and the peak of each checkout in units of them."""
    ratios, size = {}, 0
    for name, checkout in checkouts.items():
        path = os.pathsep.join([str(checkout), os.environ.get("PYTHONPATH", "")])
        command, environment = [sys.executable, "-c", CHILD, str(source)], {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, check=True)
        measured = json.loads(done.stdout)
        size, ratios[name] = measured["float32"], round(measured["peak"] / measured["float32"], 3)
    return {"float32": size, **ratios}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "loading" / "summary.json")
    parser.add_argument("--before", type=Path, help="another checkout to compare with")
    options = parser.parse_args()
    checkouts = {"now": ROOT} | ({} if options.before is None else {"before": options.before.resolve()})
    with tempfile.TemporaryDirectory() as folder:
        measured = {
            "SmolLM2-135M, GGUF": measure("smollm2", checkouts),
            f"Llama, {SHARDS} safetensors files": measure(write_checkpoint(Path(folder)), checkouts),
        }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.out, {"unit": "peak over the bytes of the weights in float32", "checkpoints": measured})
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
