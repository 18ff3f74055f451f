"""A pack that is kept as bytes is the pack of the files, and only as long as they are the same."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from lattices import kept, model
from lattices import pack as packs
from lattices.digest import digest
from verifier.cli import services
from verifier.store import Store

MORE = """
[[rule]]
id = "own"
service = "file"
operation = "operate(thing)"
requires = ["security_thing(thing)"]
exempt = [{condition = "thing->quiet", reason = "nobody sees it"}]
reason = "an overlay"
"""


@pytest.fixture
def overlay(tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "own.toml").write_text(MORE)
    return folder


def test_the_pack_comes_back_equal(overlay):
    for version in ("6.1.192", "6.12.117"):
        pack = packs.load(None, (overlay,), version)
        again = kept.decode(kept.encode(pack))
        assert again == pack and digest(again) == pack.digest
        assert hash(again.rules[0]) == hash(pack.rules[0])


def test_every_field_with_expressions_is_known():
    records = [c for c in vars(model).values() if dataclasses.is_dataclass(c) and c is not model.Pack]
    found = {c: tuple(f.name for f in dataclasses.fields(c) if "Expr" in str(f.type)) for c in records}
    assert {c: names for c, names in found.items() if names} == kept.EXPRESSIONS


def test_the_key_stands_for_the_files(overlay):
    places = [packs.DIRECTORY, overlay]
    first = kept.key(places, "6.12")
    assert first == kept.key(places, "6.12")
    assert len({first, kept.key(places, "6.1"), kept.key(places[:1], "6.12")}) == 3
    (overlay / "own.toml").write_text(MORE.replace("quiet", "silent"))
    assert kept.key(places, "6.12") != first
    (overlay / "more.toml").write_text("")
    assert len({first, kept.key(places, "6.12")}) == 2


def test_rules_are_read_once_for_a_store(tmp_path, overlay, monkeypatch):
    with Store.open(tmp_path / "s.sqlite") as store:
        first = services._load_pack((str(overlay),), "6.12", store)
        with monkeypatch.context() as without:
            without.setattr(packs, "load", lambda *_: pytest.fail("the files were read again"))
            assert services._load_pack((str(overlay),), "6.12", store) == first
        store.put_many(services.RULES, [(key, b"\xc1") for key in store.keys(services.RULES)])
        assert services._load_pack((str(overlay),), "6.12", store) == first


def test_what_is_no_pack(overlay):
    with pytest.raises(msgspec.MsgspecError):
        kept.decode(msgspec.msgpack.encode({"version": 1}))
