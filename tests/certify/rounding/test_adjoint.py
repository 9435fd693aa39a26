"""The adjoint bound: holds on deep programs where the running error says nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.ad_checkpoint import checkpoint_name

from lrgd_jax.certify import adjoint_bound, running_error, trace

DEPTH, WIDTH, TOKENS = 6, 6, 3
EPSILON = 2.0**-7


def residual_network(x, weights):
    """Normalise, attend, pass through tanh, add: `DEPTH` times."""
    for w in weights:
        centred = x - x.mean(-1, keepdims=True)
        h = centred * lax.rsqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
        x = x + jnp.tanh(jax.nn.softmax(h @ w @ h.T, axis=-1) @ h @ w)
        x = checkpoint_name(x, "residual stream")
    return x


def _long_network(x, weights):
    for w in weights:
        centred = x - x.mean(-1, keepdims=True)
        h = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
        scores = np.exp(h @ w @ h.T)
        x = x + np.tanh(scores / scores.sum(-1, keepdims=True) @ h @ w)
    return x


def perceptron(x, weights):
    for w in weights:
        x = checkpoint_name(jnp.where(x > 0, x, x / 8) @ w, "layer")
    return x


def _long_perceptron(x, weights):
    for w in weights:
        x = np.where(x > 0, x, x / 8) @ w
    return x


def _arguments(seed, dtype=jnp.float64):
    rng = np.random.default_rng(seed)
    x = jnp.asarray(rng.normal(size=(TOKENS, WIDTH))).astype(dtype)
    return x, [jnp.asarray(rng.normal(size=(WIDTH, WIDTH)) / 2).astype(dtype) for _ in range(DEPTH)]


def _extended(args):
    if np.finfo(np.longdouble).nmant <= np.finfo(np.float64).nmant:
        pytest.skip("this platform has no float wider than float64")
    return jax.tree.map(lambda a: np.asarray(a, np.longdouble), args)


@pytest.mark.parametrize("cuts", ["operations", "names"])
@pytest.mark.parametrize(("network", "long"), [(residual_network, _long_network), (perceptron, _long_perceptron)])
def test_deep_programs_in_float64(network, long, cuts):
    program, fused = trace(network, *_arguments(0)), jax.jit(network)
    # The perceptron's decisions differ from draw to draw, and each set of decisions compiles anew.
    for seed in range(20 if network is residual_network else 3):
        args = _arguments(seed)
        bound = adjoint_bound(program, *args, cuts=cuts)
        actual = np.abs(np.asarray(fused(*args)) - long(*_extended(args)))
        assert (actual <= bound.rss).all()
        assert (bound.rss <= bound.worst).all()


@pytest.mark.parametrize("cuts", ["operations", "names"])
def test_deep_programs_in_float32(cuts):
    narrow, wide = (trace(residual_network, *_arguments(0, dtype)) for dtype in (jnp.float32, jnp.float64))
    fused = jax.jit(residual_network)
    for seed in range(20):
        args = _arguments(seed, jnp.float32)
        bound = adjoint_bound(narrow, *args, cuts=cuts)
        exact = adjoint_bound(wide, *jax.tree.map(lambda a: a.astype(jnp.float64), args), cuts="names")
        actual = np.abs(np.asarray(fused(*args), np.float64) - exact.value)
        assert (actual <= bound.rss + exact.worst).all()


def test_it_is_far_tighter_than_the_running_error_and_says_something():
    program, fused, ratios = trace(residual_network, *_arguments(0)), jax.jit(residual_network), []
    for seed in range(10):
        args = _arguments(seed)
        running, adjoint = running_error(program, *args), adjoint_bound(program, *args)
        np.testing.assert_array_equal(running.value, adjoint.value)
        assert 1000 * adjoint.worst.max() < running.error.max()
        ratios.append(np.abs(np.asarray(fused(*args)) - _long_network(*_extended(args))).max() / adjoint.worst.max())
    # For some draw the error is at least a thousandth of the worst case.
    assert 1000 * max(ratios) > 1


@pytest.mark.parametrize(
    "function",
    [
        jnp.exp,
        lambda x: lax.stop_gradient(jnp.exp(x)),
        lambda x: checkpoint_name(jnp.exp(x), "x"),
        lambda x: lax.cumsum(x),
        lambda x: (x * x).at[jnp.array([0, 0])].add(x[:2]),
        lambda x: jnp.concatenate([x[::-1] * 3, x]),
        lambda x: lax.scan(lambda c, r: (c, r * r), x[0], x)[1],
        lambda x: x.astype(jnp.float32) * 3,
    ],
)
def test_one_rounding_deep_it_is_the_running_error(function):
    x = jnp.linspace(0.3, 1.7, 5)
    running, adjoint = running_error(function, x), adjoint_bound(function, x)
    # The adjoint bound leaves out the second order, and rescales its local errors: a relative change of a few ulps.
    assert (adjoint.worst <= running.error * (1 + 2.0**-20)).all()
    assert (running.error <= adjoint.worst * (1 + 2.0**-20)).all()


def test_what_follows_the_last_name_counts():
    def function(x):
        return checkpoint_name(x * 3, "x") * 5

    x = jnp.asarray([0.7])
    both = running_error(function, x).error
    named = adjoint_bound(function, x, cuts="names").worst
    assert (named > running_error(lambda x: x * 15, x).error).all()
    assert (named <= both).all()


def test_chosen_outputs_and_small_batches():
    x, weights = _arguments(2)
    args = x, weights[:2]
    program = trace(residual_network, *args)
    whole = adjoint_bound(program, *args).worst.ravel()
    chosen = np.array([3, 17, 5, 0, 11])
    for batch in (2, 64):
        part = adjoint_bound(program, *args, outputs=chosen, batch=batch)
        assert part.worst.shape == (5,)
        assert (part.worst <= whole[chosen] * (1 + 2.0**-30)).all()
        assert (whole[chosen] <= part.worst * (1 + 2.0**-30)).all()


def test_results_keep_their_structure():
    def function(p):
        return {"loss": (p["x"] ** 2).sum(), "n": p["n"] + 1, "y": (p["x"].astype(jnp.float32) * 3, p["x"] > 1)}

    bound = adjoint_bound(function, {"x": jnp.linspace(0.1, 2.0, 3), "n": jnp.asarray(3)})
    assert bound.value["n"] == 4
    assert bound.worst["n"] == 0
    assert bound.worst["loss"].shape == ()
    assert (bound.worst["y"][0] > bound.worst["loss"]).all()
    assert not bound.rss["y"][1].any()


def test_decisions_are_those_of_the_inputs():
    program = trace(lambda x: jnp.where(x * 3 > 0, jnp.exp(x), x) + jnp.argmax(x).astype(x.dtype), jnp.ones(3))
    for x in ([-1.0, 2.0, 9.0], [3.0, -2.0, 1.0]):
        x = jnp.asarray(x)
        value = np.where(x > 0, np.exp(x), x) + float(np.argmax(x))
        bound = adjoint_bound(program, x)
        assert (np.abs(bound.value - value) <= 2 * bound.worst).all()


def test_a_stricter_false_alarm_widens_the_bound():
    args = _arguments(3)
    program = trace(residual_network, *args)
    loose, strict = (adjoint_bound(program, *args, false_alarm=p) for p in (0.1, 2.0**-40))
    assert (loose.rss < strict.rss).all()
    assert (strict.rss <= strict.worst).all()
    assert strict.false_alarm == 2.0**-40


def test_trouble_has_an_infinite_bound():
    bound = adjoint_bound(lambda x: jnp.sqrt((x - 1) * 3) * 2, jnp.asarray([1.0 + 2.0**-20, 0.5]))
    assert np.isinf(bound.worst[1])


def test_mistakes_are_named():
    x = jnp.ones(3)
    with pytest.raises(ValueError, match="checkpoint_name"):
        adjoint_bound(jnp.exp, x, cuts="names")
    with pytest.raises(ValueError, match="'operations' or 'names'"):
        adjoint_bound(jnp.exp, x, cuts="layers")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="'operations' or 'names'"):
        adjoint_bound(jnp.exp, x, false_alarm=2.0)
    with pytest.raises(ValueError, match="flat indices"):
        adjoint_bound(jnp.exp, x, outputs=[5])
    with pytest.raises(ValueError, match="single floating output"):
        adjoint_bound(lambda x: (x, x), x, outputs=[0])
