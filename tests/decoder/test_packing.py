from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lrgd_jax.decoder.packing import pack, padded_length

TOKENS = st.lists(st.integers(0, 99), min_size=1, max_size=20)


@given(candidates=st.lists(TOKENS, min_size=1, max_size=12), batch=st.integers(1, 5))
def test_what_is_packed_can_be_read_again(candidates, batch):
    fields = pack([np.asarray(c) for c in candidates], batch)._asdict()
    packed = SimpleNamespace(**{name: np.asarray(x) for name, x in fields.items()})
    assert len(packed.firsts) == -(-len(candidates) // batch)
    for i, candidate in enumerate(candidates):
        row, column = divmod(i, batch)
        places = packed.places[row, column][packed.read[row, column]]
        assert [packed.firsts[row, column], *packed.targets[row, places]] == candidate
        assert packed.tokens[row, places].tolist() == candidate[:-1]
        assert packed.offsets[row, places].tolist() == list(range(len(candidate) - 1))
        assert (packed.owners[row, places] == column).all()
    assert packed.read.sum() == (packed.owners >= 0).sum() == sum(len(c) - 1 for c in candidates)


@given(length=st.integers(0, 100_000), most=st.integers(0, 100_000))
def test_padding_is_at_most_a_fifth_and_lengths_are_few(length, most):
    padded = padded_length(length)
    assert length <= padded
    assert 5 * (padded - length) <= padded
    assert padded_length(padded) == padded
    assert padded_length(length, most) == min(padded, most)


@given(length=st.integers(8, 500))
def test_at_most_five_lengths_lie_between_a_length_and_its_double(length):
    assert len({padded_length(n) for n in range(length, 2 * length)}) <= 5
