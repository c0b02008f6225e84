"""The key of a state: equal states have equal keys, different states different ones."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pagefault.explore.codec import Codec, MisfitError
from pagefault.layout import LEAF_INDEX, LEAVES

BOUND = {"i1": 7, "i2": 15, "i4": 31}


@st.composite
def states(draw):
    """Some leaves set to values that fit them, the rest zero."""
    leaves = [0] * len(LEAVES)
    for i in draw(st.lists(st.integers(0, len(LEAVES) - 1), max_size=8)):
        bits = BOUND[LEAVES[i].code]
        leaves[i] = draw(st.integers(-(1 << bits), (1 << bits) - 1))
    return leaves


# The machine has thousands of fields: to draw a state takes long, on a busy machine too long.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(states(), st.lists(states(), min_size=1, max_size=6))
def test_a_key_is_the_state(initial, others):
    codec = Codec(initial)
    keys = [codec.encode(leaves) for leaves in [initial, *others]]
    for leaves, key in zip([initial, *others], keys, strict=True):
        assert codec.decode(key) == leaves
        assert codec.encode(leaves) == key, "a leaf that came into use later changes no key"
    for x, a in zip([initial, *others], keys, strict=True):
        for y, b in zip([initial, *others], keys, strict=True):
            assert (a == b) == (x == y)


def test_a_value_that_does_not_fit_is_no_key():
    codec = Codec([0] * len(LEAVES))
    leaves = [0] * len(LEAVES)
    leaves[LEAF_INDEX["folio[3].refcount"]] = 1 << 15
    with pytest.raises(MisfitError, match=r"folio\[3\].refcount = 32768 does not fit i2"):
        codec.encode(leaves)
