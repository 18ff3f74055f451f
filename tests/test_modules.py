"""`kqual modules`: tables of a small tree, and those of a real kernel against the preprocessor's own count."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from verifier.cli.main import main
from verifier.frontend.extract import extract
from verifier.modules.tables import read_modules, read_units, relevant
from verifier.store import Store
from verifier.tree import open_tree

FRAME = """
struct thing;
union security_list_options {
	int (*thing_use)(struct thing *thing);
	int (*thing_move)(struct thing *thing);
	void (*thing_free)(struct thing *thing);
};
struct lsm_id { const char *name; unsigned long id; };
struct security_hook_list { void *scalls; union security_list_options hook; const struct lsm_id *lsmid; };
struct lsm_info { const char *name; int order; int (*init)(void); };
void security_add_hooks(struct security_hook_list *hooks, int count, const struct lsm_id *lsmid);
#define LSM_HOOK_INIT(NAME, HOOK) { .hook = { .NAME = HOOK } }
#define DEFINE_LSM(name_) static struct lsm_info __lsm_##name_
"""
HOOKS = """
LSM_HOOK(int, 0, thing_use, struct thing *thing)
LSM_HOOK(int, 0, thing_move, struct thing *thing)
LSM_HOOK(void, LSM_RET_VOID, thing_free, struct thing *thing)
"""
HEADER = """
int security_thing_use(struct thing *thing);
int security_thing_move(struct thing *thing);
void security_thing_free(struct thing *thing);
"""
# One module in two units: the name comes through a parameter, and one entry is left out by the configuration.
FILES = {
    "security/first/main.c": """
static int first_use(struct thing *thing) { return 0; }
static int first_move(struct thing *thing) { return 0; }
static struct security_hook_list first_hooks[] = {
	LSM_HOOK_INIT(thing_use, first_use),
#ifdef CONFIG_FIRST_MOVES
	LSM_HOOK_INIT(thing_move, first_move),
#endif
};
const struct lsm_id first_lsmid = { .name = "first", .id = 1 };
void first_more(const struct lsm_id *id);
static int first_init(void)
{
	security_add_hooks(first_hooks, 1, &first_lsmid);
	first_more(&first_lsmid);
	return 0;
}
DEFINE_LSM(first) = { .name = "first", .init = first_init };
""",
    "security/first/more.c": """
static void first_free(struct thing *thing) { }
static struct security_hook_list more_hooks[] = { LSM_HOOK_INIT(thing_free, first_free) };
void first_more(const struct lsm_id *id) { security_add_hooks(more_hooks, 1, id); }
""",
    "security/second.c": """
static int second_use(struct thing *thing) { return 0; }
static struct security_hook_list second_hooks[] = { LSM_HOOK_INIT(thing_use, second_use) };
static struct security_hook_list unused_hooks[] = { LSM_HOOK_INIT(thing_free, (void (*)(struct thing *))second_use) };
static const struct lsm_id second_lsmid = { .name = "capability", .id = 2 };
static int second_init(void) { security_add_hooks(&second_hooks[0], 1, &second_lsmid); return unused_hooks[0].hook.thing_use != 0; }
DEFINE_LSM(second) = { .name = "capability", .order = -1, .init = second_init };
""",
    "security/bpf/hooks.c": """
int bpf_lsm_thing_use(struct thing *thing);
int bpf_lsm_thing_move(struct thing *thing);
static void bpf_thing_free(struct thing *thing) { }
static struct security_hook_list bpf_hooks[] = {
	LSM_HOOK_INIT(thing_use, bpf_lsm_thing_use),
	LSM_HOOK_INIT(thing_move, bpf_lsm_thing_move),
	LSM_HOOK_INIT(thing_free, bpf_thing_free),
};
static const struct lsm_id bpf_lsmid = { .name = "bpf", .id = 3 };
static int bpf_init(void) { security_add_hooks(bpf_hooks, 3, &bpf_lsmid); return 0; }
DEFINE_LSM(bpf) = { .name = "bpf", .init = bpf_init };
""",
    "security/silent.c": "int silent(void) { return 1; }\n",
}
# The older way: security.c calls a module that has no table.
DIRECT = {
    "security/security.c": """
extern struct security_hook_list *heads;
int older_thing_move(struct thing *thing);
int outside(struct thing *thing);
int security_thing_move(struct thing *thing)
{
	int err = heads->hook.thing_move(thing);
	if (err || outside(thing))
		return err;
	return older_thing_move(thing);
}
""",
    "security/integrity/older/main.c": "int older_thing_move(struct thing *thing) { return 0; }\n",
    "fs/outside.c": "int outside(struct thing *thing) { return 0; }\n",
}
RULES = """
[[rule]]
id = "thing-use"
service = "file"
operation = "use_thing(thing)"
requires = ["security_thing_use(thing)"]
reason = "uses the thing"

[[rule]]
id = "thing-move"
service = "inode"
operation = "move_thing(thing)"
requires = ["security_thing_move(thing)", "capable(CAP_SYS_ADMIN)"]
reason = "moves the thing"
"""


def grow(root, files):
    for name, text in {"include/linux/lsm_hook_defs.h": HOOKS, "include/linux/security.h": HEADER, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(FRAME + text if "struct thing" in text and name.endswith(".c") else text)
    return root


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "rules.toml").write_text(RULES)

    def command(tree, *arguments):
        with pytest.raises(SystemExit) as ended:
            main(["modules", str(tree), "--rules", str(tmp_path / "mine"), "-j", "1", "-q", *arguments])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return command


def document(run, tree, *arguments):
    code, out, err = run(tree, "--format", "json", *arguments)
    assert code == 0, err
    return json.loads(out)


def test_modules_and_their_hooks(run, tmp_path):
    found = document(run, grow(tmp_path / "tree", FILES))
    assert found["schema"] == "kqual/1"
    assert {name: module["hooks"] for name, module in found["modules"].items()} == {
        "bpf": ["thing_free"],  # the others are stubs, to which a program may be attached
        "capability": ["thing_use"],  # a table that nobody registers counts for nothing
        "first": ["thing_free", "thing_use"],
    }
    assert found["modules"]["bpf"]["attachable"] == ["thing_move", "thing_use"]
    assert found["unimplemented"] == ["thing_move"]
    vacuous = {item["rule"]: item for item in found["vacuous"]}
    assert "thing-use" not in vacuous
    assert vacuous["thing-move"] == {"rule": "thing-move", "service": "inode", "hooks": ["thing_move"]}
    assert found["services"]["file"] == {"capability": 1, "first": 1}


def test_an_order_of_modules(run, tmp_path):
    tree = grow(tmp_path / "tree", {name: text for name, text in FILES.items() if name != "security/second.c"})
    assert "thing-use" not in {item["rule"] for item in document(run, tree, "--lsm", "lsm=first,bpf")["vacuous"]}
    assert "thing-use" in {item["rule"] for item in document(run, tree, "--lsm", "bpf")["vacuous"]}
    code, out, err = run(grow(tree, FILES), "--lsm", "bpf,absent")
    assert code == 0 and "absent: no module of this tree" in err
    assert "thing-use" not in out  # capability is always loaded
    assert "thing-move" in out and "none of bpf, capability" in out
    assert run(tree, "--lsm", ",")[0] == 2


def test_modules_that_security_c_calls(run, tmp_path):
    found = document(run, grow(tmp_path / "tree", FILES | DIRECT))
    assert found["modules"]["older"] == {"hooks": ["thing_move"], "called": ["thing_move"], "always": True}
    assert found["unimplemented"] == []
    assert "thing-move" not in {item["rule"] for item in document(run, tmp_path / "tree", "--lsm", "bpf")["vacuous"]}


def test_only_units_that_tell_something_are_parsed(tmp_path):
    tree = grow(tmp_path / "tree", FILES | DIRECT)
    names = sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*.c"))
    assert relevant(str(tree), names) == tuple(n for n in names if n.startswith("security/") and n != "security/silent.c")


def test_a_tree_without_modules(run, tmp_path):
    code, _, err = run(grow(tmp_path / "tree", {"fs/a.c": "int a;\n"}))
    assert code == 2 and "no unit below security/" in err


def test_a_scan_notes_what_no_module_decides(run, tmp_path, capsys):
    tree = grow(tmp_path / "tree", FILES)
    (tree / "use.c").write_text("""struct thing;
int security_thing_use(struct thing *thing);
int security_thing_move(struct thing *thing);
int capable(int cap);
void use_thing(struct thing *thing);
void move_thing(struct thing *thing);
int used(struct thing *thing) { int err = security_thing_use(thing); if (err) return err; use_thing(thing); return 0; }
int moved(struct thing *thing)
{
	int err = security_thing_move(thing);
	if (err || !capable(21))
		return err;
	move_thing(thing);
	return 0;
}
int missing(struct thing *thing) { move_thing(thing); return 0; }
""")
    scan = ["scan", str(tree), "--rules", str(tmp_path / "mine"), "-j", "1", "-q", "--format", "json", "--fail-on", "never"]
    for arguments, noted in (["--lsm", "bpf"], [("thing-move", 13)]), ([], []):
        with pytest.raises(SystemExit) as ended:
            main([*scan, *arguments])
        found = json.loads(capsys.readouterr().out)
        assert ended.value.code == 0
        notes = [item for item in found["findings"] if item["kind"] == "vacuous-check"]
        assert [(item["rule"], item["line"]) for item in notes] == noted
        assert all(item["tier"] == "note" and item["requires"] == ["security_thing_move"] for item in notes)
        assert [(f["rule"], f["line"]) for f in found["findings"] if f["kind"] == "missing-check"] == [("thing-move", 16)]


def preprocessed(tree, file):
    """Hooks by table of one unit, by gcc -E with the unit's own command and a regular expression."""
    command = next(c for c in tree.commands if c.file == file)
    arguments = [a for a in command.arguments if not a.startswith("-Wp,") and a not in ("-c",)]
    if "-o" in arguments:
        del arguments[arguments.index("-o") : arguments.index("-o") + 2]
    done = subprocess.run([*arguments, "-E", "-P"], cwd=command.directory, capture_output=True, text=True, check=True)
    tables = re.findall(r"struct security_hook_list (\w+)\[\][^=;]*=\s*\{(.*?)\};", done.stdout, re.DOTALL)
    return {name: re.findall(r"\.hook\s*=\s*\{\s*\.(\w+)\s*=\s*(\w+)", body) for name, body in tables}


@pytest.mark.kernel
@pytest.mark.parametrize("version", ["6.12", "6.1"])
def test_tables_of_a_real_kernel_match_the_preprocessor(version, tmp_path):
    root = Path(os.environ.get("KQUAL_KERNELS", "")) / f"linux-source-{version}"
    if not (root / "security").is_dir():
        pytest.skip(f"KQUAL_KERNELS names no folder with linux-source-{version}")
    tree = open_tree(str(root), build=str(tmp_path / "build"))
    files = relevant(tree.root, [c.file for c in tree.commands if not c.file.startswith("/")])
    with Store.open(tmp_path / "store.sqlite") as store:
        records = extract(tree, store, 2, files)
        found = read_modules(read_units(records, store.get))
    expected: dict[str, set[str]] = {}
    stubs = set()
    for file in files:
        module = {"security/commoncap.c": "capability"}.get(file, file.split("/")[-2])
        for entries in preprocessed(tree, file).values():
            expected.setdefault(module, set()).update(hook for hook, fn in entries if not fn.startswith("bpf_lsm_"))
            stubs.update(hook for hook, fn in entries if fn.startswith("bpf_lsm_"))
    assert len(expected) >= 11 and len(expected["selinux"]) > 150
    tables = {name: set(module.hooks) - set(module.called) for name, module in found.items()}
    assert {name: hooks for name, hooks in tables.items() if hooks} == expected
    assert set(found["bpf"].attachable) | set(found["bpf"].hooks) == stubs | expected["bpf"]
    if version == "6.1":
        assert "mmap_file" in found["ima"].called and "inode_setxattr" in found["evm"].called
        assert "integrity" in found
    else:
        assert {"ima", "evm", "ipe"} <= set(expected)
