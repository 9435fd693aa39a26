"""The same work at many points, in batches that are spread over all devices; one device is the plain case."""

import itertools
from collections.abc import Callable, Iterator
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, PyTree, Shaped

__all__ = ["map_over_devices", "replicate", "shard"]

Tree = TypeVar("Tree")
Points = TypeVar("Points", bound=PyTree[Shaped[Array, "points ..."]])
Results = TypeVar("Results", bound=PyTree[Shaped[Array, "points ..."]])


def _mesh() -> Mesh:
    return Mesh(np.asarray(jax.devices()), ("points",), axis_types=(AxisType.Auto,))


def replicate(tree: Tree) -> Tree:
    """The arrays of a tree, whole on every device; already there they are not moved, and one device moves nothing.

    Args:
        tree: a pytree of arrays.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import replicate
        >>> replicate({"weights": jnp.arange(3)})["weights"].tolist()
        [0, 1, 2]
    """
    return tree if jax.device_count() == 1 else jax.device_put(tree, NamedSharding(_mesh(), PartitionSpec()))


def shard(tree: Tree) -> Tree:
    """The arrays of a tree, of which each device holds an equal share of the first axis.

    Args:
        tree: a pytree of arrays whose first axis the number of devices divides.

    Raises:
        ValueError: a first axis cannot be divided among the devices.

    Examples:
        >>> import jax
        >>> from lrgd_jax.decoder import shard
        >>> points = jax.numpy.arange(2 * jax.device_count())
        >>> shard(points).shape == points.shape
        True
    """
    devices = jax.device_count()
    if devices == 1:
        return tree
    for leaf in jax.tree.leaves(tree):
        if not jnp.ndim(leaf) or jnp.shape(leaf)[0] % devices:
            raise ValueError(
                f"an array of shape {jnp.shape(leaf)} cannot be divided among {devices} devices along its first axis; "
                "map_over_devices fills it up to a multiple"
            )
    return jax.device_put(tree, NamedSharding(_mesh(), PartitionSpec("points")))


def map_over_devices(function: Callable[[Points], Results], points: Points, *, batch: int = 1) -> Results:
    """A function of a batch of points, at all of them: `batch` of them a device together, all devices at once.

    Every call has one shape, for which the last point is repeated as often as needed. With more than one device,
    what the function closes over should be `replicate`.

    Args:
        function: compiled, from arrays whose first axis are points to arrays likewise, such as `jax.jit(jax.vmap(f))`.
        points: arrays whose first axis are the points.
        batch: how many points a device computes together; memory grows with it.

    Raises:
        ValueError: the batch is empty, there are no points, or arrays differ in their number.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import map_over_devices
        >>> map_over_devices(jax.jit(jax.vmap(lambda x: x * x)), jnp.arange(5), batch=2).tolist()
        [0, 1, 4, 9, 16]
    """
    if batch < 1:
        raise ValueError(f"a batch holds at least one point, got batch={batch}")
    numbers = sorted({jnp.shape(leaf)[0] for leaf in jax.tree.leaves(points)})
    if len(numbers) != 1 or not numbers[0]:
        raise ValueError(f"points must be arrays of one and the same number of points, at least one; got {numbers}")
    parts = [function(shard(chunk)) for chunk in _chunks(points, numbers[0], batch * jax.device_count())]
    if len(parts) == 1 and numbers[0] % (batch * jax.device_count()) == 0:
        return parts[0]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves)[: numbers[0]], *parts)


def _chunks(points: Points, number: int, size: int) -> Iterator[Points]:
    missing = -number % size

    def fill(x: Array) -> Array:
        x = jnp.asarray(x)
        return jnp.concatenate([x, jnp.repeat(x[-1:], missing, axis=0)]) if missing else x

    points = jax.tree.map(fill, points)
    for start, end in itertools.pairwise(range(0, number + missing + 1, size)):
        yield jax.tree.map(lambda x, start=start, end=end: x[start:end], points)
