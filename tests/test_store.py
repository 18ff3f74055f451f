"""The store: what is committed stays, what is damaged is replaced, nothing ends in a traceback."""

import multiprocessing
import os
import sqlite3
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from verifier import store as module
from verifier.errors import StoreError
from verifier.store import Store, default_path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "store.sqlite"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.binary(max_size=2000)))
def test_values_come_back(path, values):
    with Store.open(path) as store:
        store.prune("ir", [])
        store.put_many("ir", values.items())
    with Store.open(path) as store:
        assert dict(store.items("ir")) == values
        assert sorted(store.keys("ir")) == sorted(values)
        assert store.count("ir") == len(values)


def test_kinds_are_apart_and_values_are_replaced(path):
    with Store.open(path) as store:
        store.put("ir", "a", b"1")
        store.put("summary", "a", b"2")
        store.put("ir", "a", b"3" * 5000)
        assert store.get("ir", "a") == b"3" * 5000
        assert store.get("summary", "a") == b"2"
        assert store.get("summary", "b") is None
        store.delete("summary", "a")
        assert store.keys("summary") == []
        assert path.stat().st_size < 200_000


def test_many_keys_in_the_order_asked_for(path):
    with Store.open(path) as store:
        store.put_many("ir", ((f"{n:05}", b"%d" % n) for n in range(1500)))
        asked = [f"{n:05}" for n in range(1499, -1, -1)]
        assert list(store.get_many("ir", [*asked, "absent"])) == asked
        assert store.prune("ir", asked[:10]) == 1490


def test_meta(path):
    with Store.open(path) as store:
        store.set_meta("tree", "linux")
        assert store.meta("tree") == "linux"
        assert store.meta("absent") is None
        assert store.meta("tool") == module.__version__


def test_damaged_header_is_moved_aside_with_a_message(path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database at all" * 100)
    said = []
    with Store.open(path, say=said.append) as store:
        store.put("ir", "a", b"1")
        assert store.get("ir", "a") == b"1"
        assert store.notices == said
    assert "cannot be used" in said[0] and "\n" not in said[0]
    assert (path.parent / "store.sqlite.unusable-1").read_bytes().startswith(b"not a database")


@pytest.mark.parametrize("keep", [100, 4096, 20000])
def test_truncated_file_is_rebuilt(path, keep):
    with Store.open(path) as store:
        store.put_many("ir", ((f"{n}", os.urandom(400)) for n in range(500)))
    with open(path, "r+b") as file:
        file.truncate(keep)
    with Store.open(path) as store:
        assert store.get("ir", "499") is None or keep == 20000
        for key in store.keys("ir"):
            store.get("ir", key)
        store.put("ir", "new", b"1")
        assert store.get("ir", "new") == b"1"
        assert store.notices


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(st.integers(0, 60_000), st.binary(min_size=1, max_size=3000))
@example(offset=51560, noise=b"r\x80")  # a key that is no UTF-8
@example(offset=43, noise=b"\x00\x00\x00\x00\x05")  # a schema format that SQLite does not know
def test_any_overwritten_bytes_never_crash_nor_lie(tmp_path, offset, noise):
    path = tmp_path / "noise.sqlite"
    path.unlink(missing_ok=True)
    values = {f"{n}": (b"%d" % n) * 90 for n in range(400)}
    with Store.open(path) as store:
        store.put_many("ir", values.items())
    with open(path, "r+b") as file:
        file.seek(offset % path.stat().st_size)
        file.write(noise)
    with Store.open(path) as store:
        for key, value in values.items():
            assert store.get("ir", key) in (None, value)
        store.put("ir", "new", b"1")
        assert store.get("ir", "new") == b"1"


def test_damaged_value_is_dropped_with_a_message(path):
    with Store.open(path) as store:
        store.put("ir", "a", b"1" * 1000)
        store.put("ir", "b", b"2" * 1000)
    raw = sqlite3.connect(path)
    raw.execute("UPDATE entry SET data = x'00' WHERE key = 'a'")
    raw.commit()
    raw.close()
    with Store.open(path) as store:
        assert store.get("ir", "a") is None
        assert store.get("ir", "b") == b"2" * 1000
        assert "damaged" in store.notices[0]
        assert store.keys("ir") == ["b"]


@pytest.mark.parametrize(
    "change, word",
    [
        ("PRAGMA user_version = 99", "format 99"),
        ("UPDATE meta SET value = '0.0.1' WHERE key = 'tool'", "0.0.1"),
        ("PRAGMA application_id = 7", "not a kqual store"),
    ],
)
def test_other_formats_versions_and_owners_are_moved_aside(path, change, word):
    with Store.open(path) as store:
        store.put("ir", "a", b"1")
    raw = sqlite3.connect(path)
    raw.execute(change)
    raw.commit()
    raw.close()
    with Store.open(path) as store:
        assert store.get("ir", "a") is None
        assert word in store.notices[0]


def test_readonly(path):
    with pytest.raises(StoreError, match="no store") as caught:
        Store.open(path, readonly=True)
    assert "kqual scan" in caught.value.hint
    with Store.open(path) as store:
        store.put("ir", "a", b"1")
        with Store.open(path, readonly=True) as other:
            assert other.get("ir", "a") == b"1"
            store.put("ir", "b", b"2")
            assert other.get("ir", "b") == b"2"
            with pytest.raises(StoreError, match="reading only"):
                other.put("ir", "c", b"3")
    path.write_bytes(b"junk" * 1000)
    with pytest.raises(StoreError):
        Store.open(path, readonly=True)
    assert path.read_bytes() == b"junk" * 1000


def test_places_that_cannot_hold_a_store(tmp_path):
    (tmp_path / "file").write_text("x")
    for place in (tmp_path, tmp_path / "file" / "store", "/proc/no/store"):
        with pytest.raises(StoreError) as caught:
            Store.open(place)
        assert "--store" in caught.value.hint


def test_full_disk(path):
    with Store.open(path) as store:
        store.put("ir", "a", b"1")
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="full") as caught:
            store.put("ir", "b", os.urandom(100_000))
        assert "free some space" in caught.value.hint
        assert store.get("ir", "a") == b"1"


def test_killed_writer_loses_nothing_committed(path):
    program = (
        "import os, signal, sys\n"
        "from verifier.store import Store\n"
        "store = Store.open(sys.argv[1])\n"
        "store.put_many('ir', [('a', b'1'), ('b', b'2')])\n"
        "store._connection.execute('BEGIN')\n"
        "store._connection.execute(\"INSERT INTO entry VALUES ('ir', 'c', 0, 0, x'00')\")\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert run.returncode == -9
    with Store.open(path) as store:
        assert store.keys("ir") == ["a", "b"]
        assert store.notices == []


def test_batch_that_fails_leaves_nothing(path):
    def items():
        yield "a", b"1"
        raise KeyboardInterrupt

    with Store.open(path) as store:
        with pytest.raises(KeyboardInterrupt):
            store.put_many("ir", items())
        assert store.keys("ir") == []
        store.put("ir", "b", b"2")


def test_a_store_replaced_by_another_process_is_not_replaced_again(path):
    with Store.open(path) as one:
        one.put_many("ir", ((f"{n}", os.urandom(4000)) for n in range(50)))
    with Store.open(path) as one, Store.open(path) as other:
        with open(path, "r+b") as file:
            file.seek(4096)
            file.write(os.urandom(200_000))
        for n in range(50):
            one.get("ir", f"{n}")
        one.put("ir", "new", b"1")
        other.get("ir", "0")
        assert other.get("ir", "new") == b"1"
        assert len(one.notices) >= 1
    assert len(list(path.parent.glob("*.unusable-*"))) == 1


def _child(path, number):
    with Store.open(path) as store:
        store.put_many("ir", [(f"{number}-{n}", b"x" * 500) for n in range(50)])


def test_several_processes_share_a_store(path):
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_child, args=(path, number)) for number in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0, 0]
    with Store.open(path) as store:
        assert store.count("ir") == 200
        assert store.notices == []


def test_a_forked_child_reads_through_its_own_connection(path):
    with Store.open(path) as store:
        store.put("ir", "a", b"1")
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(write, store.get("ir", "a") or b"-")
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(read, 10) == b"1"
        os.close(read)
        os.close(write)
        store.put("ir", "b", b"2")


def test_default_place(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one = default_path("/src/linux", "audit")
    assert one.is_relative_to(tmp_path / "kqual")
    assert one != default_path("/src/linux", "defconfig")
    assert one != default_path("/other/linux", "audit")
