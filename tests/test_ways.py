"""A wrapper's ways become fewer by joining the two that differ least, again and again, whatever the queue of pairs does."""

from hypothesis import given
from hypothesis import strategies as st

from verifier.flow.ensures import MOST_WAYS, _common, _fewer, _loss, _Told
from verifier.flow.summary import Alternative

FACTS = [("fact", name, (("p", n),), ("c", 0)) for name in ("capable", "security_thing", "may_open") for n in range(3)]
CONDITIONS = [(("p", n), mask, None, ()) for n in range(4) for mask in (1, 2, 6)]


@st.composite
def ways(draw):
    conditions = {c[0]: c for c in draw(st.lists(st.sampled_from(CONDITIONS), max_size=4))}
    facts = draw(st.lists(st.sampled_from(FACTS), max_size=5, unique=True))
    return Alternative(draw(st.sampled_from([1, 2, 4])), draw(st.sampled_from([None, 0, 3])), tuple(facts), tuple(conditions.values()))


def one_by_one(kept):
    """All pairs compared anew for every step."""
    kept = list(kept)
    while len(kept) > MOST_WAYS:
        _, i, j = min((_loss(_Told(a), _Told(b)), i, j) for j, b in enumerate(kept) for i, a in enumerate(kept[:j]))
        a, b = kept.pop(j), kept[i]
        facts = tuple(f for f in b.facts if f in a.facts)
        kept[i] = Alternative(a.mask | b.mask, a.eq if a.eq == b.eq else None, facts, _common(a.conditions, b.conditions))
    return kept


@given(st.lists(ways(), min_size=MOST_WAYS - 2, max_size=30))
def test_the_least_loss_each_time(found):
    assert _fewer(found) == one_by_one(found)
