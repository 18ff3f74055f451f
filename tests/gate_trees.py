"""A small tree, its rule and ways to gate changes of it, for the tests of the gate."""

from __future__ import annotations

import difflib
from pathlib import Path

from lattices import pack as packs
from verifier.gate.overlay import Overlay
from verifier.gate.variant import Variant, make_variant
from verifier.program.analyse import Analysis, analysis
from verifier.store import Store
from verifier.tree import open_tree

RULES = """
[[rule]]
id = "thing-use"
service = "file"
operation = "controlled_op(thing)"
requires = ["security_thing(thing)"]
reason = "uses the thing"
good = '''
struct thing;
int security_thing(struct thing *thing);
void controlled_op(struct thing *thing);
int use_ok(struct thing *thing) { int err = security_thing(thing); if (err) return err; controlled_op(thing); return 0; }
'''
bad = '''
struct thing;
void controlled_op(struct thing *thing);
int use_bad(struct thing *thing) { controlled_op(thing); return 0; }
'''
"""
HEADER = """#ifndef THING_H
#define THING_H
struct thing { struct thing *next; int kind; };
struct thing_ops { int (*use)(struct thing *thing); int (*drop)(struct thing *thing); };
int security_thing(struct thing *thing);
void controlled_op(struct thing *thing);
int allowed(struct thing *thing);
int perform(struct thing *thing);
int walk(struct thing *thing, int depth);
static inline int may_use(struct thing *thing)
{
	return security_thing(thing);
}
#endif
"""
FILES = {
    "include/thing.h": HEADER,
    "core/allow.c": '#include "thing.h"\nint allowed(struct thing *thing)\n{\n\treturn security_thing(thing);\n}\n',
    "core/perform.c": '#include "thing.h"\nint perform(struct thing *thing)\n{\n\tcontrolled_op(thing);\n\treturn 0;\n}\n',
    "core/doors.c": """#include "thing.h"
int door_wrapped(struct thing *thing)
{
	int err = allowed(thing);

	if (err)
		return err;
	return perform(thing);
}

int door_inline(struct thing *thing)
{
	if (may_use(thing))
		return -1;
	return perform(thing);
}

int door_walk(struct thing *thing)
{
	int err = security_thing(thing);

	return err ? err : walk(thing, 0);
}
""",
    "core/walk.c": """#include "thing.h"
static int step(struct thing *thing, int depth)
{
	return walk(thing->next, depth + 1);
}

int walk(struct thing *thing, int depth)
{
	if (depth > 10)
		return step(thing, depth);
	return perform(thing);
}
""",
    "drivers/table.c": """#include "thing.h"
static int use(struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		return err;
	return perform(thing);
}

static int quiet(struct thing *thing)
{
	return thing->kind;
}

static const struct thing_ops ops = { .use = use, .drop = quiet };

int door_table(const struct thing_ops *table, struct thing *thing)
{
	return table->use(thing) + table->drop(thing);
}

const struct thing_ops *the_ops(void)
{
	return &ops;
}
""",
    "drivers/opened.c": """#include "thing.h"
struct inode;
struct file { struct thing *thing; };
struct file_operations { int (*open)(struct inode *inode, struct file *file); int (*write)(struct file *file); };

static int thing_open(struct inode *inode, struct file *file)
{
	return security_thing(file->thing);
}

static int thing_write(struct file *file)
{
	return perform(file->thing);
}

static const struct file_operations thing_fops = { .open = thing_open, .write = thing_write };

int door_open(struct inode *inode, struct file *file, const struct file_operations *ops)
{
	return ops->open(inode, file);
}

int door_write(struct file *file, const struct file_operations *ops)
{
	return ops->write(file);
}

const struct file_operations *the_fops(void)
{
	return &thing_fops;
}
""",
    "drivers/other.c": """#include "thing.h"
static int unrelated(struct thing *thing)
{
	return thing->kind + 1;
}

int door_other(struct thing *thing)
{
	return unrelated(thing);
}
""",
}


def write_tree(root: Path, files: dict[str, str]) -> Path:
    """The files below a folder."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def diff(before: dict[str, str], after: dict[str, str]) -> bytes:
    """A unified diff between two sets of files."""
    out = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            names = (f"a/{name}" if old is not None else "/dev/null", f"b/{name}" if new is not None else "/dev/null")
            out += difflib.unified_diff((old or "").splitlines(True), (new or "").splitlines(True), *names)
    return "".join(out).encode()


class Bench:
    """The tree, scanned once into a store."""

    def __init__(self, folder: Path, files: dict[str, str] | None = None) -> None:
        self.files = files or FILES
        self.folder = folder
        self.root = write_tree(folder / "tree", self.files)
        (folder / "rules").mkdir()
        (folder / "rules" / "own.toml").write_text(RULES)
        self.store = Store.open(folder / "s.sqlite")
        self.pack = packs.load(None, (str(folder / "rules"),))
        self.tree = open_tree(self.root, config="plain")
        self.base: Analysis = analysis(self.tree, self.store, self.pack, 1)
        self.clean: Variant = make_variant(self.tree, self.base, Overlay())
        self.count = 0

    def edited(self, *edits: tuple[str, str, str], drop: tuple[str, ...] = (), add: dict[str, str] | None = None) -> dict[str, str]:
        """The files with texts replaced, files dropped and added; a text must be there once."""
        files = dict(self.files)
        for name, old, new in edits:
            assert files[name].count(old) == 1, (name, old)
            files[name] = files[name].replace(old, new)
        for name in drop:
            del files[name]
        return files | (add or {})

    def scan(self, files: dict[str, str]) -> Analysis:
        """A whole scan of a copy of the tree with other files."""
        self.count += 1
        root = write_tree(self.folder / f"copy{self.count}", files)
        return analysis(open_tree(root, config="plain"), self.store, self.pack, 1)
