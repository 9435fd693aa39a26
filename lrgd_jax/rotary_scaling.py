"""Stretches of rotary frequencies, by which a model reads longer texts than it was first trained on."""

import math
from typing import Protocol, runtime_checkable

import numpy as np
from flax import struct
from jaxtyping import Float

__all__ = ["Llama3Scaling", "LongRopeScaling", "RotaryScaling", "YarnScaling"]


@runtime_checkable
class RotaryScaling(Protocol):
    """What every stretch does.

    Examples:
        >>> isinstance(Llama3Scaling(), RotaryScaling), isinstance(YarnScaling(), RotaryScaling)
        (True, True)
    """

    def stretch(self, frequencies: Float[np.ndarray, " half"], theta: float) -> Float[np.ndarray, " half"]:
        """The frequencies that are used in place of some.

        Args:
            frequencies: angles per position of all pairs, the fastest first.
            theta: the base that they are made of.
        """
        ...


@struct.dataclass
class Llama3Scaling:
    """Llama 3's stretch of the slow rotary frequencies; the attributes are named as in Hugging Face's config.

    Attributes:
        factor: by which the slow frequencies are divided.
        low_freq_factor: a pair that turns less often in the first context is stretched whole.
        high_freq_factor: a pair that turns more often is left alone.
        original_max_position_embeddings: L, tokens of the first context.

    Source: Grattafiori et al. 2024, arXiv 2407.21783, section 3.4; the constants are each checkpoint's.

    Examples:
        >>> from lrgd_jax.positions import rotary_frequencies
        >>> bool(rotary_frequencies(64, 500_000.0, Llama3Scaling())[-1] < rotary_frequencies(64, 500_000.0)[-1])
        True
    """

    factor: float = struct.field(pytree_node=False, default=8.0)
    low_freq_factor: float = struct.field(pytree_node=False, default=1.0)
    high_freq_factor: float = struct.field(pytree_node=False, default=4.0)
    original_max_position_embeddings: int = struct.field(pytree_node=False, default=8192)

    def stretch(self, frequencies: Float[np.ndarray, " half"], theta: float) -> Float[np.ndarray, " half"]:
        """Divides the slow frequencies by the factor, leaves the fast ones, and what lies between in proportion."""
        wavelength = 2 * math.pi / frequencies
        turns = self.original_max_position_embeddings / wavelength
        # 0 where a frequency is slow (stretched whole), 1 where it is fast (left alone), linear in the turns between
        kept = (turns - self.low_freq_factor) / (self.high_freq_factor - self.low_freq_factor)
        kept = np.clip(kept, 0.0, 1.0)
        return (1 - kept) * frequencies / self.factor + kept * frequencies


@struct.dataclass
class LongRopeScaling:
    """LongRoPE's stretch: a number for each pair, by which its frequency is divided.

    A model has two of them, one for texts up to the length that it was first trained on, one for longer ones.

    Attributes:
        factors: of all pairs, the fastest first.

    Source: Ding et al. 2024, arXiv 2402.13753, section 3.

    Examples:
        >>> from lrgd_jax.positions import rotary_frequencies
        >>> rotary_frequencies(4, scaling=LongRopeScaling((1.0, 4.0))).tolist()
        [1.0, 0.0025]
    """

    factors: tuple[float, ...] = struct.field(pytree_node=False)

    def stretch(self, frequencies: Float[np.ndarray, " half"], theta: float) -> Float[np.ndarray, " half"]:
        """Divides each frequency by its factor.

        Raises:
            ValueError: there is not one factor for each.
        """
        if len(self.factors) != len(frequencies):
            raise ValueError(
                f"LongRoPE needs one factor for each of the {len(frequencies)} rotated pairs, got {len(self.factors)}"
            )
        return frequencies / np.asarray(self.factors)


@struct.dataclass
class YarnScaling:
    r"""YaRN's stretch: pairs that turn more than $\beta_\text{fast}$ times in the first context are left alone.

    Those that turn less than $\beta_\text{slow}$ times are stretched whole, those between in proportion to their
    number j. The number at which a pair turns r times in L positions is $d \ln(L / 2\pi r) / (2 \ln\theta)$. What YaRN
    multiplies the logits by is no part of it. The attributes are named as in Hugging Face's config.

    Attributes:
        factor: by which the slow frequencies are divided.
        original_max_position_embeddings: L, tokens of the first context.
        beta_fast: a pair that turns more often in it is left alone.
        beta_slow: a pair that turns less often is stretched whole.
        truncate: whether the pairs between which the stretch sets in are whole numbers.

    Source: Peng et al. 2023, arXiv 2309.00071, section 3.2, and its published code for where a pair turns r times.

    Examples:
        >>> from lrgd_jax.positions import rotary_frequencies
        >>> plain = rotary_frequencies(64)
        >>> stretched = rotary_frequencies(64, scaling=YarnScaling(factor=4.0, original_max_position_embeddings=4096))
        >>> float(stretched[0] / plain[0]), float(stretched[-1] / plain[-1])
        (1.0, 0.25)
    """

    factor: float = struct.field(pytree_node=False, default=4.0)
    original_max_position_embeddings: int = struct.field(pytree_node=False, default=32768)
    beta_fast: float = struct.field(pytree_node=False, default=32.0)
    beta_slow: float = struct.field(pytree_node=False, default=1.0)
    truncate: bool = struct.field(pytree_node=False, default=True)

    def stretch(self, frequencies: Float[np.ndarray, " half"], theta: float) -> Float[np.ndarray, " half"]:
        """Divides the slow frequencies by the factor, leaves the fast ones, and what lies between in proportion."""
        width = 2 * len(frequencies)

        def place(turns: float) -> float:
            return width * math.log(self.original_max_position_embeddings / (turns * 2 * math.pi)) / 2 / math.log(theta)

        low, high = place(self.beta_fast), place(self.beta_slow)
        if self.truncate:
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, width - 1)
        # a step, where both are the same place
        slow = (np.arange(len(frequencies)) - low) / (high - low if high != low else 1e-3)
        slow = np.clip(slow, 0.0, 1.0)
        return slow * frequencies / self.factor + (1 - slow) * frequencies
