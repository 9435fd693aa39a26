r"""The dual of softmax attention whose logits are capped: the same step, with the kernel $\exp(c\tanh(s\,q^\top k/c))$.

The capped kernel is symmetric, but in general not positive semidefinite: $\tanh$ has negative Taylor coefficients. The
dual is still a function, an expansion over the keys, and its step the gradient of the written loss with respect to the
function's values, carried to other points by the kernel; only the norm of a Hilbert space is missing.
"""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float

from lrgd_jax.decoder.soft_cap import soft_cap
from lrgd_jax.dual.functional import FunctionalDual, KernelExpansion
from lrgd_jax.dual.one_step import SoftmaxDual
from lrgd_jax.dual.projective import projective_targets
from lrgd_jax.dual.single_head import HeadDual
from lrgd_jax.dual.token_roles import TokenRoles
from lrgd_jax.kernels import ExponentialKernel

__all__ = ["SoftCappedDual", "SoftCappedKernel"]


@struct.dataclass
class SoftCappedKernel(ExponentialKernel):
    r"""$\kappa(x, y) = \exp(c\tanh(s\,x^\top y / c) - \text{shift})$.

    Attributes:
        soft_cap: c.

    Source: Gemma Team 2024, arXiv 2408.00118, section 2.
    """

    soft_cap: float = struct.field(pytree_node=False, default=50.0)

    def exponent(self, x: Float[Array, " d"], y: Float[Array, " d"]) -> Float[Array, ""]:
        """The capped logit, before the shift."""
        return soft_cap(self.soft_cap, ExponentialKernel.exponent(self, x, y))


@dataclass(frozen=True)
class SoftCappedDual(SoftmaxDual):
    """`SoftmaxDual` with the capped kernel.

    Attributes:
        soft_cap: c.
    """

    soft_cap: float = 50.0

    def build(self, inputs: Float[Array, "n d"], values: Float[Array, "n dv"], role: TokenRoles) -> FunctionalDual:
        """The model of one query: f_0 by one step on its context, the demonstrations as training set."""
        kernel = SoftCappedKernel(self.form.scale, soft_cap=self.soft_cap)
        untrained = FunctionalDual.untrained(inputs, projective_targets(values), kernel=kernel)
        context = replace(untrained, sample_weights=role.context)
        return replace(untrained, initial_function=context.train(), sample_weights=role.demonstrations)

    def predict(
        self, model: FunctionalDual, trained: KernelExpansion, role: TokenRoles, point: Float[Array, " d"]
    ) -> Float[Array, " dv"]:
        """The ratio at a test point, the kernel shifted so that no value exceeds one."""
        kernel = SoftCappedKernel(self.form.scale, capped=True, soft_cap=self.soft_cap)
        exponents = jax.vmap(lambda x: kernel.exponent(x, point))(model.inputs)
        lowest = jnp.asarray(jnp.finfo(exponents.dtype).min, exponents.dtype)
        counted = jnp.where(role.context + role.demonstrations > 0, exponents, lowest)
        shifted = replace(kernel, shift=jax.lax.stop_gradient(jnp.max(counted)))
        return HeadDual.predict(self, model, replace(trained, kernel=shifted), role, point)
