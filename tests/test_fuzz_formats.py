"""Whatever a file holds, its reader gives a result or its documented error, and never another exception."""

import msgspec
import pytest
from documents import document
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_cli_program import PATCH, PROGRAM, RULES

from lattices import pack, parsing
from lattices.source import Source
from reports import json_document, mail, markdown, sarif, text
from verifier.errors import KqualError
from verifier.findings import decode as decode_document
from verifier.findings import encode as encode_document
from verifier.gate.overlay import read_patch
from verifier.ir import model
from verifier.ir.printer import print_function
from verifier.ir.reader import ReadError, read_function
from verifier.tree import cmdfiles, kbuild, stubs
from verifier.tree.shellwords import UnclosedQuote

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


def edited(whole, pieces):
    """Texts like `whole` with pieces cut out, doubled and put in."""

    @st.composite
    def make(draw):
        result = whole
        for _ in range(draw(st.integers(1, 4))):
            start = draw(st.integers(0, len(result)))
            end = min(len(result), start + draw(st.integers(0, 12)))
            result = result[:start] + draw(st.sampled_from(pieces)) + result[end:]
        return result

    return make()


CMD = "savedcmd_fs/open.o := gcc -Wp,-MMD,fs/.open.o.d -D__KERNEL__ -DX='a b' -c -o fs/open.o fs/open.c\n\nsource_fs/open.o := fs/open.c\n"
PIECES = ["", "\n", "\\", "'", '"', "`", "$(", ")", ";", "#", "\0", "\udcff", "𝒳", ":=", " -c ", "gcc", ".c", "&&", "<<", "-o"]


@given(st.text() | edited(CMD, PIECES))
def test_cmd_files(data):
    try:
        found = cmdfiles.parse(data)
    except UnclosedQuote:
        return
    assert found is None or all(isinstance(word, str) for word in found)


CONFIG = "# Linux\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=\"text\"\nCONFIG_D=0x10\n"


@given(st.text() | edited(CONFIG, ["", "\n", "=", "#", "CONFIG_", '"', " is not set", "\0", "\udcff", "\r"]))
def test_configurations(data):
    assert all(name.startswith("CONFIG_") for name in kbuild.options(data))


@given(st.text(alphabet="ABy!&|()=\" <>#\\", max_size=40))
@example("!" * 200)
def test_kconfig_conditions(data):
    assert stubs._holds(data, {"A"}) in (True, False)


RULE_PIECES = ["", "[", "]", "[[rule]]", '"', "'''", "=", "\n", "(", ")", "->", "||", "0x", ",", "{", "}", "\\", "\0", "current", "[1]", "5", "é"]


@given(st.text() | edited(RULES, RULE_PIECES))
@SLOW
def test_rule_files(tmp_path, data):
    file = tmp_path / "own.toml"
    file.write_bytes(data.encode("utf-8", "surrogatepass"))
    _found, problems = pack.collect(tmp_path, ())
    assert all(problem.message and problem.line >= 1 for problem in problems)
    Source("x.toml", data)


@given(st.text(max_size=60) | edited("dir->i_op->unlink(dir, dentry) || !x && (y & MAY_READ) == 4", RULE_PIECES))
@SLOW
def test_expressions_of_rules(data):
    try:
        parsing.parse(data)
    except parsing.PatternError as error:
        assert str(error)


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    from verifier.frontend.patched import extract_file
    from verifier.tree import open_tree

    folder = tmp_path_factory.mktemp("unit")
    (folder / "use.c").write_text(PROGRAM)
    tree = open_tree(str(folder))
    return model.decode(extract_file(tree, tree.commands[0]).blob)


@given(st.data())
@SLOW
def test_printed_functions(unit, data):
    whole = print_function(unit.functions[data.draw(st.integers(0, len(unit.functions) - 1))])
    text = data.draw(st.text() | edited(whole, ["", "\n", "(", ")", "->", "b1", "%", ":", "jmp", "br", "99999999999", '"', "\\", "\0", "{", "}"]))
    try:
        assert isinstance(read_function(text), model.Function)
    except ReadError as error:
        assert str(error)


@given(st.data())
@SLOW
def test_stored_units(unit, data):
    blob = bytearray(model.encode(unit))
    for _ in range(data.draw(st.integers(1, 3))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert isinstance(model.decode(bytes(blob)), model.Unit)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        pass


WORDS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just([]) | st.just({})


@given(st.data())
@SLOW
def test_documents_that_are_read_back_are_refused_or_printed(data):
    """Valid JSON with one value replaced: what the reader takes, every format prints."""
    value = msgspec.json.decode(encode_document(document(fixed=[])))
    place = value
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(WORDS)
        break
    try:
        read = decode_document(msgspec.json.encode(value))
    except KqualError as error:
        assert error.message and error.hint
        return
    for form in (json_document, sarif, markdown, mail, text):
        assert form.render(read)


PATCH_PIECES = ["", "\n", "+", "-", "@@", "@@ -1,2 +3 @@", "--- ", "+++ ", "a/../../etc/x", "/dev/null", "\0", "\r", "\udcff", "Binary files differ", "rename from x"]


@given(st.text() | edited(PATCH, PATCH_PIECES))
@settings(SLOW, max_examples=40)
def test_patches(tmp_path, data):
    (tmp_path / "use.c").write_text(PROGRAM)
    try:
        overlay = read_patch(str(tmp_path), data.encode("utf-8", "surrogateescape"))
    except KqualError as error:
        assert error.message and error.hint
        return
    assert all(not name.startswith("/") and ".." not in name.split("/") for name in overlay.files)
    assert (tmp_path / "use.c").read_text() == PROGRAM
