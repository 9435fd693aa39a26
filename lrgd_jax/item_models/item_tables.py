"""What an item looks like in an episode: its title's vector, rotated, and a random signature."""

# the stubs of jax leave parts of array functions without types
# pyright: reportUnknownMemberType=false

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from lrgd_jax.recommend.data.dataset import Catalogue

__all__ = ["random_rotation", "signatures", "text_vectors"]


def text_vectors(catalogue: Catalogue, *, where: str = "the catalogue") -> Float[np.ndarray, "items d"]:
    """The vectors of the titles, of length one, in float32; zero for an item whose title is empty.

    Args:
        catalogue: with dense vectors.
        where: what the catalogue is called in the error.

    Raises:
        ValueError: there are no vectors, or an item that has a title has the vector zero.
    """
    if catalogue.vectors is None:
        raise ValueError(
            f"{where} has no vectors of its titles, and an item is its text here; bring data with title vectors"
        )
    vectors = np.asarray(catalogue.vectors, np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    silent = np.flatnonzero(lengths[:, 0] == 0)
    titles = catalogue.titles
    named = [int(item) for item in silent if titles is not None and titles[item]]
    if named or len(silent) == len(vectors):
        name = catalogue.names[named[0] if named else 0]
        raise ValueError(f"item {name[:60]!r} of {where} has a vector of zeros; make its vector from its text anew")
    return vectors / np.where(lengths == 0, 1, lengths)


def signatures(key: PRNGKeyArray, items: int, width: int) -> Float[Array, "items width"]:
    r"""One random vector of signs $\pm1/\sqrt m$ an item: of length one, and nearly orthogonal to all others.

    It says which item one is and nothing else, and is drawn anew for every episode.

    Args:
        key: of the episode.
        items: how many.
        width: m.

    Examples:
        >>> import jax
        >>> drawn = signatures(jax.random.key(0), 3, 4)
        >>> drawn.shape, float((drawn[0] ** 2).sum())
        ((3, 4), 1.0)
    """
    words = jax.random.bits(key, (items, -(-width // 32)), jnp.uint32)
    bits = (words[:, :, None] >> jnp.arange(32, dtype=jnp.uint32)[None, None]) & 1
    signs = 2.0 * bits.reshape(items, -1)[:, :width].astype(jnp.float32) - 1
    return signs / jnp.sqrt(jnp.float32(width))


def random_rotation(key: PRNGKeyArray, width: int) -> Float[Array, "width width"]:
    """An orthogonal matrix, uniform over all of them.

    Source: Mezzadri 2007, Notices of the AMS 54(5) (the signs after a QR decomposition).

    Examples:
        >>> import jax, numpy
        >>> turned = random_rotation(jax.random.key(0), 3)
        >>> bool(abs(turned @ turned.T - numpy.eye(3)).max() < 1e-5)
        True
    """
    q, r = jnp.linalg.qr(jax.random.normal(key, (width, width), jnp.float32))
    return q * jnp.sign(jnp.diagonal(r))[None]
