"""In-context linear regression: every prompt is a new task, drawn from an explicit key."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from lrgd_jax.incontext.linear_transformer import prompt

__all__ = ["Batch", "RegressionTasks"]


class Batch(NamedTuple):
    """Prompts and what they ask for.

    Attributes:
        tokens: e_i = [x_i; y_i] of the demonstrations, then the query [x_q; 0], shape [b, n+1, d+1].
        targets: w'x_q, shape [b]; without noise, so that zero loss means that w is known.
        weights: w, shape [b, d].

    Examples:
        >>> import jax
        >>> batch = RegressionTasks(dimension=2, demonstrations=3).draw(jax.random.key(0), batch=4)
        >>> batch.tokens.shape, batch.targets.shape, batch.weights.shape
        ((4, 4, 3), (4,), (4, 2))
    """

    tokens: Float[Array, "b n_1 d_1"]
    targets: Float[Array, " b"]
    weights: Float[Array, "b d"]


@dataclass(frozen=True)
class RegressionTasks:
    r"""A distribution of linear regression tasks.

    $$w\sim\mathcal N(0, s_w^2 I),\quad x\sim\mathcal U(-s_x, s_x)^d\ \text{or}\ \mathcal N(0, s_x^2 I),\quad
    y_i = w^\top x_i + \sigma\varepsilon_i$$

    Attributes:
        dimension: d.
        demonstrations: N.
        inputs: law of x.
        input_scale: s_x; another one than in training is a shift of the distribution.
        weight_scale: s_w, likewise.
        noise: sigma, on the demonstrations' targets.

    Raises:
        ValueError: a size below one, a scale that is not positive, a negative noise, an unknown law.

    Source: Garg et al. 2022, arXiv 2208.01066, section 2; von Oswald et al. 2023, arXiv 2212.07677, section 3.

    Examples:
        >>> import jax
        >>> tasks = RegressionTasks(dimension=2, demonstrations=3, input_scale=3.0)
        >>> tasks.input_variance
        3.0
        >>> tasks.draw(jax.random.key(0), batch=4).tokens.shape
        (4, 4, 3)
    """

    dimension: int = 10
    demonstrations: int = 20
    inputs: Literal["uniform", "normal"] = "uniform"
    input_scale: float = 1.0
    weight_scale: float = 1.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        if self.dimension < 1 or self.demonstrations < 1:
            raise ValueError(
                "RegressionTasks: at least one dimension and one demonstration are needed, got "
                f"dimension={self.dimension}, demonstrations={self.demonstrations}"
            )
        if self.inputs not in ("uniform", "normal"):
            raise ValueError(f'RegressionTasks: inputs must be "uniform" or "normal", got {self.inputs!r}')
        if not (self.input_scale > 0 and self.weight_scale > 0 and self.noise >= 0):
            raise ValueError(
                "RegressionTasks: scales must be positive and the noise not negative, got "
                f"input_scale={self.input_scale}, weight_scale={self.weight_scale}, noise={self.noise}"
            )

    @property
    def input_variance(self) -> float:
        """E x_1^2, of one coordinate."""
        return self.input_scale**2 / (3 if self.inputs == "uniform" else 1)

    @property
    def input_fourth_moment(self) -> float:
        """E x_1^4, of one coordinate."""
        return self.input_scale**4 * (1 / 5 if self.inputs == "uniform" else 3)

    def draw_inputs(
        self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: jax.typing.DTypeLike = jnp.float32
    ) -> Float[Array, "*shape"]:
        """Independent coordinates of inputs."""
        draw = jax.random.normal if self.inputs == "normal" else _symmetric_uniform
        return jnp.asarray(self.input_scale, dtype) * draw(key, shape, dtype)

    def draw(self, key: PRNGKeyArray, batch: int, dtype: jax.typing.DTypeLike = jnp.float32) -> Batch:
        """A batch of new tasks, one prompt each.

        Raises:
            ValueError: the batch is empty.
        """
        if batch < 1:
            raise ValueError(f"RegressionTasks.draw: a batch holds at least one task, got {batch}")
        of_weights, of_inputs, of_noise = jax.random.split(key, 3)
        n, d = self.demonstrations, self.dimension
        weights = jnp.asarray(self.weight_scale, dtype) * jax.random.normal(of_weights, (batch, d), dtype)
        inputs = self.draw_inputs(of_inputs, (batch, n + 1, d), dtype)
        clean = jnp.einsum("bnd,bd->bn", inputs, weights)
        targets = clean[:, :-1]
        if self.noise > 0:
            targets = targets + jnp.asarray(self.noise, dtype) * jax.random.normal(of_noise, targets.shape, dtype)
        tokens = jax.vmap(prompt)(inputs[:, :-1], targets[..., None], inputs[:, -1])
        return Batch(tokens, clean[:, -1], weights)


def _symmetric_uniform(
    key: PRNGKeyArray, shape: tuple[int, ...], dtype: jax.typing.DTypeLike
) -> Float[Array, "*shape"]:
    return jax.random.uniform(key, shape, dtype, minval=-1.0, maxval=1.0)
