"""What `attention_at_length.py` times, in a process of its own that has the package of one checkout.

Each line of the input names a program and a length; the answer is one line with the seconds of a run, or what is
missing. A program is compiled, and run once, when it is first named, and then timed alone.
"""

import functools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

HEADS, WIDTH = 8, 64
Program = Callable[[], object]


def _tokens(length: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal((HEADS, length, WIDTH), np.float32) for _ in range(3)]


def _attention() -> Callable[..., Any]:
    """Normalised causal linear attention of all heads, as the checkout has it."""
    import jax

    import lrgd_jax.attention
    from lrgd_jax.features import elu_plus_one

    at_length = getattr(lrgd_jax.attention, "causal_linear_attention", None)
    if at_length is not None:
        return lambda q, k, v: at_length(q, k, v, feature_map=elu_plus_one, normalised=True)[0]
    form = lrgd_jax.attention.LinearAttention(elu_plus_one, causal=True, normalised=True, algorithm="chunked")
    return jax.vmap(form)


def _dual() -> Callable[..., Any]:
    """The dual of every head: one step by `jax.grad` on all tokens, then its predictions at the queries."""
    import jax

    from lrgd_jax import DualModel
    from lrgd_jax.features import elu_plus_one

    def one_head(head: Any) -> Any:
        q, k, v = head
        model = DualModel.untrained(k, v, feature_map=elu_plus_one)
        return model.predict(model.train(), q)

    return lambda q, k, v: jax.lax.map(one_head, (q, k, v))


def _streaming() -> Callable[..., Any]:
    import jax

    from lrgd_jax import SoftmaxAttention

    form = SoftmaxAttention(causal=True, algorithm="streaming", block=512)
    return lambda q, k, v: jax.lax.map(lambda head: form(*head), (q, k, v))


def _dot_product() -> Callable[..., Any]:
    import jax

    def attend(q: Any, k: Any, v: Any) -> Any:
        # it wants tokens before heads
        swapped = (x.swapaxes(0, 1) for x in (q, k, v))
        return jax.nn.dot_product_attention(*swapped, is_causal=True).swapaxes(0, 1)

    return attend


JAX: dict[str, Callable[[], Callable[..., Any]]] = {
    "attention": _attention,
    "dual": _dual,
    "streaming": _streaming,
    "dot_product": _dot_product,
}


def _in_jax(name: str, length: int, *, backward: bool) -> tuple[Program, dict[str, float]]:
    import jax

    attend, tokens = JAX[name](), [jax.numpy.asarray(x) for x in _tokens(length)]

    def loss(q: Any, k: Any, v: Any) -> Any:
        return jax.numpy.sum(attend(q, k, v) * v)

    function = jax.grad(loss, argnums=(0, 1, 2)) if backward else attend
    compiled = jax.jit(function).lower(*tokens).compile()
    analysis: Any = compiled.memory_analysis()
    memory = {"temporary_mib": round(analysis.temp_size_in_bytes / 2**20, 1)}
    return lambda: jax.block_until_ready(compiled(*tokens)), memory


def _in_torch(length: int, *, backward: bool) -> tuple[Program, dict[str, float]]:
    """pytorch-fast-transformers, whose layout is [batch, tokens, heads, width]."""
    import torch  # pyright: ignore[reportMissingImports]
    from fast_transformers.attention import CausalLinearAttention  # pyright: ignore[reportMissingImports]
    from fast_transformers.masking import LengthMask, TriangularCausalMask  # pyright: ignore[reportMissingImports]

    q, k, v = (torch.from_numpy(x.swapaxes(0, 1)[None].copy()).requires_grad_(backward) for x in _tokens(length))
    layer, mask = CausalLinearAttention(WIDTH), TriangularCausalMask(length)
    lengths = LengthMask(torch.full((1,), length))

    def run() -> object:
        outputs = layer(q, k, v, mask, lengths, lengths)
        if backward:
            return torch.autograd.grad((outputs * v.detach()).sum(), (q, k, v))
        return outputs

    return run, {}


@functools.cache
def _program(name: str, length: int) -> tuple[Program, dict[str, float]]:
    base, backward = name.removesuffix(" and backward"), name.endswith(" and backward")
    if base == "fast_transformers":
        return _in_torch(length, backward=backward)
    return _in_jax(base, length, backward=backward)


def main() -> None:
    """Answers until the input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            program, answer = _program(asked["program"], asked["length"])
            if asked["run"]:
                start = time.perf_counter()
                program()
                answer = {**answer, "seconds": time.perf_counter() - start}
        except ImportError as error:
            answer = {"missing": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
