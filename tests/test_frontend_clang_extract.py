"""Extraction of a tree: precompiled headers, the store, changed files, workers that die."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from verifier.frontend import pch, seen, workers
from verifier.frontend.extract import extract, extract_files
from verifier.frontend.flags import understood
from verifier.frontend.patched import Patched, extract_file
from verifier.frontend.sources import Sources
from verifier.frontend.units import read_unit, reader_version, work_of
from verifier.ir.model import Unit, decode
from verifier.tree.model import CompileCommand, Tree

FILES = {
    "include/linux/kconfig.h": "#define CONFIG_NET 1\n",
    "include/linux/fs.h": (
        "#ifndef FS_H\n#define FS_H\n#ifndef BIG\n#define SIZE 1\n#else\n#define SIZE 2\n#endif\n"
        "struct inode { int mode; };\n"
        "static inline int inode_mode(struct inode *i) { return i->mode; }\n#endif\n"
    ),
    "include/linux/own.h": "static inline int own(int x) { return x; }\nstatic inline int idle(int x) { return x; }\n",
    "fs/a.c": "#include <linux/fs.h>\n#include <linux/own.h>\nint a(struct inode *i) { return inode_mode(i) + own(SIZE); }\n",
    "fs/b.c": "#include <linux/fs.h>\nint b(struct inode *i) { return inode_mode(i) + SIZE; }\n",
    "net/c.c": "#define BIG\n#include <linux/fs.h>\nint c(void) { return SIZE; }\n",
    "net/d.c": "int d(void) { return nothing; }\n",
}


class Memory:
    """A store in a dictionary; counts what is put into it."""

    def __init__(self) -> None:
        self.data: dict[tuple[str, str], bytes] = {}
        self.seen: dict[str, bytes] = {}
        self.puts = 0

    def get(self, kind: str, key: str) -> bytes | None:
        return self.seen.get(key) if kind == seen.KIND else self.data.get((kind, key))

    def keys(self, kind: str) -> list[str]:
        return [key for of, key in self.data if of == kind]

    def put_many(self, kind: str, items: list[tuple[str, bytes]]) -> None:
        if kind == seen.KIND:
            self.seen.update(items)
            return
        for key, value in items:
            self.puts += 1
            self.data[kind, key] = value


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree of FILES with a command for each .c file, as Kbuild writes them."""
    root = tmp_path / "tree"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    build = tmp_path / "build"
    build.mkdir()
    commands = [
        CompileCommand(
            name,
            str(build),
            ["gcc", f"-I{root}/include", "-include", f"{root}/include/linux/kconfig.h", "-D__KERNEL__", "-O2",
             "-mpreferred-stack-boundary=3", "-Wp,-MMD,x.d", '-DKBUILD_MODNAME="x"', "-c", "-o", "x.o",
             f"{root}/{name}"],
        )
        for name in sorted(FILES) if name.endswith(".c")
    ]  # fmt: skip
    return Tree(str(root), "kbuild", str(build), "6.12", "", commands, [])


def unit_of(store: Memory, records: list, file: str) -> Unit:
    """The IR of a file's record."""
    return decode(store.data["unit", next(r.key for r in records if r.file == file)])


def names(unit: Unit) -> list[tuple[str, str]]:
    """(file, name) of a unit's functions."""
    return [(f.file, f.name) for f in unit.functions]


def test_units_headers_and_status(tree: Tree) -> None:
    store = Memory()
    records = extract(tree, store, 1)
    assert [(r.file, r.status, bool(r.header)) for r in records] == [
        ("<headers>", "analysed", True),
        ("fs/a.c", "analysed", True),
        ("fs/b.c", "analysed", True),
        ("net/c.c", "analysed", False),  # BIG changes the text of a header in the precompiled one
        ("net/d.c", "partial", False),
    ]
    assert records[-1].error == "net/d.c:1: use of undeclared identifier 'nothing'"
    assert names(unit_of(store, records, "<headers>")) == [("include/linux/fs.h", "inode_mode")]
    assert names(unit_of(store, records, "fs/a.c")) == [("fs/a.c", "a"), ("include/linux/own.h", "own")]
    assert ("c", 2) in unit_of(store, records, "net/c.c").functions[0].exprs
    assert "include/linux/fs.h" in records[1].dependencies and "include/linux/own.h" in records[1].dependencies


def test_nothing_is_parsed_twice_and_order_does_not_matter(tree: Tree) -> None:
    first, second = Memory(), Memory()
    one = extract(tree, first, 1)
    before = first.puts
    assert extract(tree, first, 1) == one
    assert first.puts == before
    assert extract(tree, second, 2) == one
    assert first.data == second.data


@pytest.fixture
def old_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as old: those of a test were made a moment ago."""
    monkeypatch.setattr(seen, "SLACK", -(10**12))


def test_what_was_seen_is_recalled_without_reading(tree: Tree, old_files: None, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Memory()
    one = extract(tree, store, 1)
    monkeypatch.setattr("verifier.frontend.extract.work_of", None)  # nothing of the long way is left
    two = extract(tree, store, 1)
    assert two == one and [list(r.dependencies) for r in two] == [list(r.dependencies) for r in one]
    wanted = {"include/linux/own.h", "include/linux/fs.h", "net/c.c", "no/such.c"}
    listed = {name: {r.file for r in rs} for name, rs in seen.including(one, wanted).items()}
    assert {name: {r.file for r in rs} for name, rs in seen.including(two, wanted).items()} == listed
    assert listed["include/linux/own.h"] == {"fs/a.c"} and "no/such.c" not in listed


@pytest.mark.parametrize("change", ["text", "same size and time", "gone", "back", "command", "header", "other scope", "lost"])
def test_what_was_seen_does_not_count_after_a_change(tree: Tree, old_files: None, change: str) -> None:
    store = Memory()
    extract(tree, store, 1)
    assert seen.recall(store, tree, (), reader_version()) is not None
    path, scope = Path(tree.root, "include/linux/own.h"), ()
    state = path.stat()
    if change == "text":
        path.write_text(path.read_text() + "\n")
    elif change == "same size and time":
        path.write_text(path.read_text().replace("own", "owm"))
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    elif change == "gone":
        path.unlink()
    elif change == "back":
        text = path.read_text()
        path.unlink()
        path.write_text(text)
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    elif change == "command":
        tree.commands[0].arguments.append("-DMORE")
    elif change == "header":
        next(Path(tree.build, ".kqual-pch").glob("*.pch")).unlink()
    elif change == "lost":
        store.data.pop(next(key for key in store.data if key[0] == seen.BLOBS))
    else:
        scope = ("fs",)
    assert seen.recall(store, tree, scope, reader_version()) is None


def test_files_touched_just_now_are_not_trusted(tree: Tree) -> None:
    store = Memory()
    extract(tree, store, 1)
    assert not store.seen


def test_a_changed_header_parses_what_includes_it(tree: Tree) -> None:
    store = Memory()
    extract(tree, store, 1)
    own = Path(tree.root, "include/linux/own.h")
    own.write_text(own.read_text() + "static inline int more(int x) { return x; }\n")
    before = store.puts
    extract(tree, store, 1)
    assert store.puts - before == 2  # the record and the IR of fs/a.c
    fs = Path(tree.root, "include/linux/fs.h")
    fs.write_text(fs.read_text().replace("return i->mode", "return -i->mode"))
    records = extract(tree, store, 1)
    assert ("o", "neg") in [e[:2] for e in unit_of(store, records, "<headers>").functions[0].exprs]


def test_scope(tree: Tree) -> None:
    records = extract(tree, Memory(), 1, ("net",))
    assert [r.file for r in records if not r.file.startswith("<")] == ["net/c.c", "net/d.c"]


def test_overlay_of_a_source_and_of_a_shared_header(tree: Tree) -> None:
    extract(tree, Memory(), 1)
    command = tree.commands[0]
    overlay = {"fs/a.c": (FILES["fs/a.c"] + "int added(void) { return 1; }\n").encode()}
    result = extract_file(tree, command, overlay)
    assert result.status == "analysed" and result.header
    assert ("fs/a.c", "added") in names(decode(result.blob))
    overlay["include/linux/fs.h"] = FILES["include/linux/fs.h"].replace("inode_mode(", "mode_of(").encode()
    overlay["fs/a.c"] = FILES["fs/a.c"].replace("inode_mode(", "mode_of(").encode()
    patched = Patched(tree, overlay)
    result = patched.unit(command)
    assert result.status == "analysed" and result.header
    together = {c.file if c else "<headers>": r for c, r in extract_files(tree, tree.commands[:2], overlay, 2)}
    assert names(decode(together["<headers>"].blob)) == [("include/linux/fs.h", "mode_of")]
    assert together["fs/a.c"] == result
    assert together["fs/b.c"].status == "partial"  # it still calls inode_mode
    (headers,) = patched.headers()
    assert names(decode(headers.blob)) == [("include/linux/fs.h", "mode_of")]
    base = next(r for r in extract(tree, Memory(), 1) if r.file == "<headers>")
    assert headers.key == base.key


def test_with_and_without_precompiled_header_the_ir_is_the_same(tree: Tree) -> None:
    store = Memory()
    records = extract(tree, store, 1)
    sources = Sources(tree.root, tree.build)
    for command in tree.commands[:2]:
        work = work_of(command, tree.root, tree.build)
        plain = decode(read_unit(work, None, sources).blob)
        shared = unit_of(store, records, command.file)
        by_name = {(f.file, f.name): f for f in plain.functions}
        assert all(by_name[f.file, f.name] == f for f in shared.functions)


def test_tracepoints_are_read_as_empty_functions_and_units_that_need_them_plainly(tree: Tree) -> None:
    root = Path(tree.root)
    (root / "include/linux/fs.h").write_text(
        "#ifndef FS_H\n#define FS_H\n#ifndef NOTRACE\nstruct point { int hits; };\nextern struct point point;\n"
        "static inline void trace_open(int mode) { point.hits += mode; }\n"
        "#else\nstatic inline void trace_open(int mode) { }\n#endif\n#endif\n"
    )
    (root / "fs/a.c").write_text("#include <linux/fs.h>\nint a(int mode) { trace_open(mode); return 0; }\n")
    (root / "fs/b.c").write_text("#include <linux/fs.h>\nint b(void) { trace_open(1); return point.hits; }\n")
    records = extract(tree, Memory(), 1, ("fs",))
    assert [(r.file, r.status, bool(r.header)) for r in records if r.file.startswith("fs/")] == [
        ("fs/a.c", "analysed", True), ("fs/b.c", "analysed", False),
    ]  # fmt: skip


def test_a_header_of_the_precompiled_one_may_print_the_name_of_the_unit(tree: Tree) -> None:
    header = Path(tree.root) / "include/linux/fs.h"
    body = header.read_text().removesuffix("#endif\n")
    header.write_text(body + "static inline const char *who(void) { return KBUILD_MODNAME; }\n#endif\n")
    records = extract(tree, Memory(), 1, ("fs",))
    assert all(r.status == "analysed" and r.header for r in records)


def test_a_missing_source_is_lost(tree: Tree) -> None:
    tree.commands.append(CompileCommand("fs/gone.c", tree.build, ["gcc", "-c", f"{tree.root}/fs/gone.c"]))
    records = extract(tree, Memory(), 1, ("fs",))
    assert [(r.file, r.status) for r in records if r.status != "analysed"] == [("fs/gone.c", "lost")]


def test_a_worker_that_dies_costs_one_unit(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    give = workers.Worker.give

    def killing(worker: workers.Worker, task: workers.Task) -> None:
        if task.work is not None and task.work.file == "fs/a.c":
            worker.process.kill()
            worker.process.join()
            worker.task = task
        else:
            give(worker, task)

    monkeypatch.setattr(workers.Worker, "give", killing)
    records = extract(tree, Memory(), 1, ("fs",))
    status = {r.file: r.status for r in records}
    assert (status["fs/a.c"], status["fs/b.c"]) == ("lost", "analysed")


def test_commands_are_reduced_to_what_changes_meaning() -> None:
    flags = understood(
        ["gcc", "-Wp,-MMD,a.d", "-nostdinc", "-I./include", "-include", "inc/k.h", "-D__KERNEL__", "-DKBUILD_MODNAME=x",
         "-fconserve-stack", "-mindirect-branch=thunk", "-Os", "-std=gnu11", "-o", "a.o", "-c", "../a.c"],
        "/b/d",
    )  # fmt: skip
    assert flags.source == "/b/a.c"
    assert flags.language == ("-nostdinc", "-O2", "-std=gnu11")
    assert understood(["gcc", "-O2", "-O0", "a.c"], "/").language == ()
    assert flags.includes == ("/b/d/inc/k.h",)
    assert flags.directories == (("-I", "/b/d/include"),)
    assert (flags.defines, flags.unit_defines) == (("-D__KERNEL__",), ("-DKBUILD_MODNAME=x",))


def test_macros_before_includes_decide_about_the_precompiled_header() -> None:
    made = pch.Precompiled("", "", [], ["BIG", "pr_fmt"])
    flags = understood(["gcc", "a.c"], "/")
    assert pch.suits(flags, made, b"#define pr_fmt(x) x\n#include <a.h>\n#define BIG 1\n") == ""
    assert pch.suits(flags, made, b"#define BIG 1\n#include <a.h>\n") == "BIG"
    assert pch.suits(understood(["gcc", "-DBIG", "a.c"], "/"), made, b"") == "BIG"


def test_a_worker_that_is_gone_is_found_out_by_the_reader_and_stops_quietly(tmp_path):
    worker = workers.Worker(Tree(str(tmp_path), "plain", None, "", "", [], []), "")
    worker.process.kill()
    worker.process.join()
    worker.give(workers.Task(0, None, None, False))
    with pytest.raises((EOFError, OSError)):
        worker.connection.recv()
    worker.stop()


@pytest.mark.parametrize("end", [EOFError, ConnectionResetError])
def test_a_worker_ends_when_its_parent_is_gone(tmp_path, end, monkeypatch):
    class Gone:
        def recv(self):
            raise end

    monkeypatch.setattr(workers.signal, "signal", lambda *_: None)
    assert workers.serve(Gone(), Tree(str(tmp_path), "plain", None, "", "", [], []), "", None, workers.UNLIMITED) is None
