"""Computes the picture of the README: attention beside one gradient step, on the same tokens.

python docs/pictures.py
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax import SoftmaxAttention, dual_of
from lrgd_jax.certify import running_error
from lrgd_jax.report.step_figures import step_figure
from lrgd_jax.report.style import save_figure

PICTURES = Path(__file__).parent / "images"
DEMONSTRATIONS, SHARPNESS, SHOWN = 18, 12.0, 3


def on_circle(degrees):
    """Keys of unit length: their softmax kernel depends on the angle between them alone."""
    radians = jnp.deg2rad(degrees)
    return jnp.stack([jnp.cos(radians), jnp.sin(radians)], axis=1)


def tokens(key):
    """Angles and values: noisy samples of a wave, then the query's own two tokens, which know nothing of it."""
    angle_key, noise_key = jax.random.split(key)
    steps = jnp.arange(DEMONSTRATIONS) + jax.random.uniform(angle_key, (DEMONSTRATIONS,), minval=-0.35, maxval=0.35)
    angles = -170.0 + steps * 340 / (DEMONSTRATIONS - 1)
    noise = 0.12 * jax.random.normal(noise_key, (DEMONSTRATIONS,))
    values = jnp.sin(jnp.deg2rad(2 * angles)) + angles / 180 + noise
    context_angles, context_values = jnp.array([-60.0, 90.0]), jnp.array([-0.2, 0.2])
    return jnp.concatenate([angles, context_angles]), jnp.concatenate([values, context_values])


def main():
    """Writes docs/images/step.png."""
    angles, values = tokens(jax.random.key(1))
    keys = on_circle(angles)
    form = SoftmaxAttention(scale=SHARPNESS)
    dual = dual_of(form)
    grid = jnp.linspace(-180.0, 180.0, 361)
    queries = jnp.array([-150.0, -105.0, -60.0, -15.0, 30.0, 75.0, 120.0, 160.0])

    def attention(queries, keys, values):
        return form(on_circle(queries), keys, values)[:, 0]

    def after_one_step(queries, keys, values):
        return dual(on_circle(queries), keys, values, demonstrations=DEMONSTRATIONS)[:, 0]

    arguments = queries, keys, values[:, None]
    errors = [running_error(side, *arguments).error for side in (attention, after_one_step)]
    attended, predicted = attention(*arguments), after_one_step(*arguments)
    model = dual.model(*arguments[1:], demonstrations=DEMONSTRATIONS)
    tokens_ = np.stack([angles, values], axis=1)
    figure = step_figure(
        demonstrations=tokens_[:DEMONSTRATIONS],
        context=tokens_[DEMONSTRATIONS:],
        queries=np.asarray(queries),
        attended=np.asarray(attended),
        weights=np.asarray(form(on_circle(queries), keys, jnp.eye(len(values))))[SHOWN],
        shown=SHOWN,
        grid=np.asarray(grid),
        before=np.asarray(model.zero_shot(on_circle(grid)))[:, 0],
        after=np.asarray(model.predict(model.train(), on_circle(grid)))[:, 0],
        distance=float(jnp.max(jnp.abs(attended - predicted))),
        bound=float(np.max(errors[0] + errors[1])),
    )
    print(save_figure(figure, PICTURES / "step.png"))


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
