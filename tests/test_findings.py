"""Fingerprints, order and the JSON contract."""

import json
import random

import pytest
from documents import completeness, document, finding, hostile
from hypothesis import given
from hypothesis import strategies as st

from verifier.errors import KqualError
from verifier.findings import TIERS, at_or_above, decode, door_title, encode, fingerprint, finish, make_document


def test_a_fingerprint_holds_no_line_folder_or_prose():
    first = finish([finding()])[0].fingerprint
    moved = finding(line=99, file="fs/moved/namei.c", door=None, path=[], sibling=None, tier="warning", reason="other words")
    assert finish([moved])[0].fingerprint == first
    for change in ({"kind": "refetch"}, {"rule": "x"}, {"operation": "x"}, {"object": "x"}, {"function": "x"},
                   {"file": "fs/other.c"}, {"requires": []}):  # fmt: skip
        assert finish([finding(**change)])[0].fingerprint != first


def test_fingerprint_of_the_contract_is_stable():
    told = fingerprint("missing-check", "inode-unlink", "op", "dentry", "vfs_unlink", "fs/namei.c", ["b", "a"], 0)
    assert told == fingerprint("missing-check", "inode-unlink", "op", "dentry", "vfs_unlink", "namei.c", ["a", "b"], 0)
    assert told == "23ce5ecca2487e1d"


def test_ordinals_tell_identical_findings_apart_by_place():
    one, two = finding(line=3), finding(line=8)
    names = {f.line: f.fingerprint for f in finish([two, one])}
    assert names[3] != names[8]
    assert names[3] == finish([finding(line=3)])[0].fingerprint


@given(st.permutations(range(12)))
def test_order_does_not_depend_on_the_order_of_work(order):
    made = [finding(line=n % 5, tier=TIERS[n % 3], function=f"f{n % 2}", evidence=n % 4) for n in range(12)]
    shuffled = make_document(completeness(), [made[n] for n in order])
    again = [finding(line=n % 5, tier=TIERS[n % 3], function=f"f{n % 2}", evidence=n % 4) for n in range(12)]
    assert encode(shuffled) == encode(make_document(completeness(), again))


def test_errors_come_first_then_evidence():
    found = finish([finding(tier="note"), finding(tier="warning", evidence=1), finding(tier="warning", evidence=7), finding()])
    assert [(f.tier, f.evidence) for f in found] == [("error", 0), ("warning", 7), ("warning", 1), ("note", 0)]


def test_json_keys_stand_in_the_order_of_the_contract():
    data = json.loads(encode(document()))
    assert list(data)[:3] == ["schema", "completeness", "findings"]
    assert list(data["completeness"])[:4] == ["units", "functions", "calls", "obligations"]
    assert list(data["findings"][0])[:14] == [
        "fingerprint", "kind", "tier", "rule", "operation", "object", "requires", "file", "line", "function", "door",
        "path", "sibling", "assumptions",
    ]  # fmt: skip
    assert data["findings"][1]["sibling"] is None and data["findings"][1]["door"] is None
    assert "fixed" not in data
    assert json.loads(encode(document(fixed=[])))["fixed"] == []


def test_json_comes_back():
    for made in (document(), document(fixed=[finding()])):
        assert encode(decode(encode(made))) == encode(made)
    assert b"\xef\xbf\xbd" in encode(hostile())
    encode(hostile()).decode("utf-8")


@given(st.binary(max_size=200))
def test_anything_else_is_refused_with_a_message(data):
    with pytest.raises(KqualError):
        decode(data)


def test_damaged_documents_are_refused_or_read():
    whole = encode(document())
    chance = random.Random(7)
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            decode(bytes(damaged))
        except KqualError as error:
            assert "\n" not in error.message


def test_at_or_above():
    found = document().findings
    assert [len(at_or_above(found, tier)) for tier in (*TIERS, "never")] == [1, 2, 4, 0]


def test_doors_for_people():
    assert door_title("__do_sys_chroot") == "chroot(2)"
    assert door_title("__do_compat_sys_ioctl") == "ioctl(2) (compat)"
    assert door_title("__do_sys_") == "__do_sys_"
    assert door_title(None) == ""
    assert door_title("vfs_unlink") == "vfs_unlink"
