"""Shell words, dry runs, compile databases and .cmd files: what is read, what is refused, and that nothing crashes."""

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.tree import TreeError, cmdfiles, compdb
from verifier.tree.dryrun import compile_source, parse_dry_run
from verifier.tree.generated import makefile, mentioned
from verifier.tree.kbuild import options
from verifier.tree.shellwords import UnclosedQuote, redirect_targets, simple_commands
from verifier.tree.stubs import _holds

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@given(st.lists(WORDS, min_size=1, max_size=8))
def test_quoting_is_undone(words):
    assert simple_commands(shlex.join(["cmd", *words])) == [["cmd", *words]]


@given(st.text(max_size=80))
def test_any_text_is_words_or_unclosed(text):
    try:
        for command in simple_commands(text):
            assert command
    except UnclosedQuote:
        pass


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("a b; c && d || e & f", [["a", "b"], ["c"], ["d"], ["e"], ["f"]]),
        ("a >out 2>&1 b <in; c", [["a", "b"], ["c"]]),
        (""" gcc -DX='"y z"' a\\ b "q\\"r" # rest """, [["gcc", '-DX="y z"', "a b", 'q"r']]),
        ("if test -f x; then gcc -c a.c; fi", [["test", "-f", "x"], ["gcc", "-c", "a.c"]]),
        ("(cd d; { gcc x; })", [["cd", "d"], ["gcc", "x"]]),
        ("a#b '#c' #d", [["a#b", "#c"]]),
    ],
)
def test_commands_of_a_line(text, commands):
    assert simple_commands(text) == commands


def test_an_open_quotation_is_named():
    with pytest.raises(UnclosedQuote, match="column 6"):
        simple_commands("echo 'abc")


def test_redirect_targets_are_found():
    assert redirect_targets("gen < in > out.h; cat x >> 'more.h' 2>err | y") == ["out.h", "more.h", "err"]


@pytest.mark.parametrize(
    ("words", "source"),
    [
        (["gcc", "-c", "-o", "a.o", "a.c"], "a.c"),
        (["gcc", "-o", "a.o", "a.c", "-c"], "a.c"),
        (["ccache", "gcc", "-include", "x.c", "-c", "b.c"], "b.c"),
        (["LC_ALL=C", "clang", "-c", "b.c"], "b.c"),
        (["gcc", "-S", "a.c"], None),
        (["gcc", "-c", "a.S"], None),
        (["gcc", "-c", "a.c", "b.c"], None),
        (["echo", "gcc", "-c", "a.c"], None),
        (["A=b"], None),
    ],
)
def test_compile_source(words, source):
    unit = compile_source(words)
    assert (unit[1] if unit else None) == source


def line(file, obj, *extra):
    flags = ["gcc", "-Wp,-MMD,d", "-D__KERNEL__", *extra, "-DKBUILD_BASENAME='\"x\"'", "-c", "-o", obj, file]
    command = " ".join(flags)
    quoted = command.replace("'", "'\\''")
    return f"set -e; echo '  {quoted}'; trap 'rm -f {obj}' HUP; {command} ; scripts/basic/fixdep d {obj} '{quoted}' > .cmd"


def test_dry_run_gives_kbuild_own_arguments(tmp_path):
    root, build = tmp_path / "tree", tmp_path / "build"
    (root / "fs").mkdir(parents=True)
    build.mkdir()
    (root / "fs/have.h").touch()
    text = "\n".join([
        "make[1]: Entering directory 'x'",
        line(f"{root}/fs/b.c", "fs/b.o"),
        line(f"{root}/fs/a.c", "fs/a.o", "-m64"),
        line(f"{root}/fs/a.c", "fs/a32.o", "-m32"),
        line("fs/made.c", "fs/made.o"),
        "gcc -c -o scripts/host.o scripts/host.c",
        "gcc -D__KERNEL__ -DA=\"two\\",
        " lines\" -c -o fs/c.o fs/c.c",
        "gen fs/have.h > fs/flags.h; gen2 savedcmd_fs/not.h",
    ])  # fmt: skip
    commands, missing, lost = parse_dry_run(text, str(build), str(root))
    assert [c.file for c in commands] == [str(build / "fs/c.c"), str(build / "fs/made.c"), "fs/a.c", "fs/a.c", "fs/b.c"]
    assert commands[-1].arguments == ["gcc", "-Wp,-MMD,d", "-D__KERNEL__", '-DKBUILD_BASENAME="x"', "-c", "-o", "fs/b.o",
                                      f"{root}/fs/b.c"]  # fmt: skip
    assert commands[0].arguments[2] == "-DA=two lines"
    assert missing == ["fs/c.c", "fs/flags.h", "fs/made.c"]
    assert lost == []


def test_a_line_that_never_closes_is_counted():
    commands, _, lost = parse_dry_run("gcc -D__KERNEL__ -c 'a.c\n" + "x\n" * 3 + line("/t/b.c", "b.o"), "/b", "/t")
    assert len(lost) <= 1
    assert [c.file for c in commands] in ([], ["b.c"])


@given(st.lists(st.sampled_from(["gcc", " -c ", "a.c", "'", '"', "\\", "\n", ";", "-D__KERNEL__ ", "x/y.h", " "]), max_size=30))
def test_any_dry_run_is_read(parts):
    commands, missing, lost = parse_dry_run("".join(parts), "/nowhere/b", "/nowhere/t")
    assert all(c.arguments for c in commands)
    assert missing == sorted(missing)
    assert isinstance(lost, list)


def database(*entries):
    return json.dumps(list(entries)).encode()


def test_database_keeps_arguments_and_relative_names(tmp_path):
    (tmp_path / "fs").mkdir()
    (tmp_path / "fs/a.c").touch()
    (tmp_path / "fs/b.c").touch()
    root = str(tmp_path)
    data = database(
        {"directory": root, "file": "fs/b.c", "command": "gcc -DX='\"s t\"' -c -o b.o fs/b.c"},
        {"directory": root, "file": f"{root}/fs/a.c", "arguments": ["gcc", "-c", "fs/a.c"]},
        {"directory": root, "file": "fs/entry.S", "command": "gcc -c fs/entry.S"},
        {"directory": root, "file": "fs/gone.c", "command": "gcc -c fs/gone.c"},
        {"directory": "/usr", "file": "/usr/x.c", "command": "gcc -c x.c"},
    )
    commands, notes = compdb.parse(data, "db", root, None)
    assert [c.file for c in commands] == ["fs/a.c", "fs/b.c"]
    assert commands[1].arguments == ["gcc", '-DX="s t"', "-c", "-o", "b.o", "fs/b.c"]
    assert len(notes) == 2 and "outside the tree" in notes[0] and "fs/gone.c" in notes[1]
    again, more = compdb.parse(compdb.render(commands, root), "db", root, None)
    assert (again, more) == (commands, [])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "truncated"),
        (b'[{"directory": "/t", "file": "a.c", "comm', "truncated"),
        (b'{"directory": "/t"}', "not a compile database"),
        (b'[{"directory": 3, "file": "a.c"}]', "not a compile database"),
        (b'[{"directory": "/t", "file": "a.c", "arguments": "gcc"}]', "not a compile database"),
        (b'[{"directory": "/t", "file": "a.c"}]', "neither"),
        (b'[{"directory": "t", "file": "a.c", "command": "gcc -c a.c"}]', "absolute"),
        (b'[{"directory": "/t", "file": "a.c", "command": "gcc \'a.c"}]', "unclosed"),
        (b'[{"directory": "/t", "file": "a.c", "command": " ; "}]', "empty"),
        (b'[{"directory": "/t", "file": "../etc/a.c", "command": "gcc -c a.c"}]', "outside"),
        (b"[]", "no C source"),
        (b"\xff\xfe[", "truncated"),
        (b"[" * 100000, "compile database|truncated"),
    ],
)
def test_bad_databases_are_refused_with_a_reason(data, words):
    with pytest.raises(TreeError, match=words) as caught:
        compdb.parse(data, "db", "/t", None)
    assert caught.value.hint


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["/t", "a.c", "gcc -c a.c", "\0"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["directory", "file", "command", "arguments"]), inner, max_size=4),
    max_leaves=12,
)


@given(JSON | st.lists(st.fixed_dictionaries({"directory": WORDS, "file": WORDS, "command": WORDS}), max_size=3))
def test_any_json_is_read_or_refused(value):
    try:
        compdb.parse(json.dumps(value).encode(), "db", "/t", None)
    except TreeError as error:
        assert error.message


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    try:
        compdb.parse(data, "db", "/t", None)
    except TreeError as error:
        assert error.message


@pytest.mark.parametrize("name", ["cmd_fs/a.o", "savedcmd_fs/a.o"])
def test_cmd_file(name):
    text = f"""{name} := gcc -D__KERNEL__ -DN='"a"' -DP=$(pound) -DD=$$x -c -o fs/a.o fs/a.c ; ./objtool fs/a.o

source_fs/a.o := fs/a.c
deps_fs/a.o := \\
"""
    assert cmdfiles.parse(text)[:5] == ["gcc", "-D__KERNEL__", '-DN="a"', "-DP=#", "-DD=$x"]
    assert cmdfiles.parse("cmd_a.o := gcc -c -o a.o a.c\n") is None
    assert cmdfiles.parse("cmd_a.o := ld -o a.o b.o\n") is None
    assert cmdfiles.parse("nothing here") is None


def test_generated_sources_are_asked_of_their_directory(tmp_path):
    (tmp_path / "lib/x").mkdir(parents=True)
    (tmp_path / "lib/Makefile").touch()
    text = makefile(["lib/b.h", "lib/x/a.h", "lib/b.h", "gone/c.h", "lib/m.mod.c"], tmp_path)
    assert text.count("$(build)=") == 1
    assert "$(build)=lib lib/b.h lib/x/a.h" in text
    assert mentioned({"b.h"}, "gen > lib/b.h; x gone/b.h /abs/lib/b.h", tmp_path) == ["lib/b.h"]


def test_options_of_a_config():
    assert options('CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C="x y"\n# comment\n') == {
        "CONFIG_A": "y", "CONFIG_B": "n", "CONFIG_C": '"x y"'}  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "value"),
    [("", True), ("A", True), ("B", False), ("A && !B", True), ("!(A || B)", False), ("B || A && C", False),
     ("$(success,x)", False), ("A # why", True), ("A = y", False), ("(A", True)],
)  # fmt: skip
def test_kconfig_conditions(condition, value):
    assert _holds(condition, {"A"}) is value
