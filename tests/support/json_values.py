"""JSON values that every database can keep."""

from hypothesis import strategies as st

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
int64s = st.integers(-(1 << 63), (1 << 63) - 1)
finite_floats = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | int64s | finite_floats | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)
