"""Prepares an out-of-tree build directory with Kbuild and asks it, without compiling, for every compile command.

Steps, each recorded in the directory's stamp when it is done, so that an interrupted run goes on where it was:
configure, prepare, dry run, generated sources, compile_commands.json.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import msgspec

from verifier.tree import architecture, cmdfiles, compdb, generated, linkcopy, make
from verifier.tree.commands import keep, kept
from verifier.tree.dryrun import parse_dry_run
from verifier.tree.inputs import build_inputs
from verifier.tree.model import CompileCommand, Progress, Tree, TreeError, config_digest, digest, silent, unit_key

STAMP = "kqual-stamp.json"
LINK_COPY = "kqual-source"
WALK, COMMANDS = "kqual-walk", "kqual-commands"  # files in a build directory
_FORMAT = 1
_VERSION = re.compile(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)\s*=[ \t]*(\S*)", re.MULTILINE)
_DEFCONFIGS = {"x86": "x86_64_defconfig"}
_OPTION = re.compile(r"^(?:(CONFIG_\w+)=(.*)|# (CONFIG_\w+) is not set)$", re.MULTILINE)


class Stamp(msgspec.Struct):
    """What a build directory was made from. `inputs` digests the tree's build files, `config` is a name or the digest of
    the file that was given, `notes` the ledger of the steps that are done."""

    format: int
    tree: str
    config: str
    inputs: str
    config_digest: str = ""
    steps: list[str] = []
    notes: list[str] = []


def is_kernel(root: Path) -> bool:
    """Whether the directory is a kernel tree with Kbuild."""
    return all((root / name).exists() for name in ("Makefile", "Kconfig", "scripts/Makefile.build", "arch"))


def version(root: Path) -> str:
    """The kernel's version from its top Makefile ("6.12.117"), "" when it has none."""
    try:
        text = (root / "Makefile").read_text("utf-8", "replace")[:4000]
    except OSError:
        return ""
    parts = dict(_VERSION.findall(text))
    numbers = [parts[name] for name in ("VERSION", "PATCHLEVEL", "SUBLEVEL") if parts.get(name)]
    return ".".join(numbers) + parts.get("EXTRAVERSION", "") if "VERSION" in parts and "PATCHLEVEL" in parts else ""


def config_key(config: str) -> str:
    """What a stamp says about `--config`: the name, or the digest of a file, with that of our own fragment."""
    if config == "audit":
        return "audit " + digest(fragment().encode())[:16]
    if config == "defconfig":
        return "defconfig"
    path = Path(config)
    try:
        return "file " + digest(path.read_bytes())
    except OSError as error:
        raise TreeError(
            f"--config {config}: {error.strerror}", "give `audit`, `defconfig`, `plain`, or the path of a .config file"
        ) from error


def fragment() -> str:
    """The text of the audit configuration's fragment."""
    return resources.files("verifier.tree").joinpath("config/audit.config").read_text("utf-8")


def read_stamp(build: Path) -> Stamp | None:
    """The stamp of a build directory; None when there is none or it cannot be read."""
    try:
        stamp = msgspec.json.decode((build / STAMP).read_bytes(), type=Stamp)
    except (OSError, msgspec.MsgspecError):
        return None
    return stamp if stamp.format == _FORMAT else None


def prepare(
    root: Path, tree: str, config: str, build: Path, progress: Progress, arch: str = ""
) -> tuple[Sequence[CompileCommand], Stamp]:
    """Makes `build` ready for the kernel tree at `root` and returns its compile commands and its stamp.

    `tree` is the tree that the user named (`root` may be a link copy of it), `arch` another architecture than this
    machine's ("" for this one's). A directory that is ready for the same
    tree and configuration is read back without running make. Raises TreeError.
    """
    key = config_key(config) + (f"@{arch}" if arch else "")
    stamp = read_stamp(build)
    # another text of the fragment or the file configures the directory anew; another kind of --config does not
    if stamp is not None and (stamp.tree != tree or _sort(stamp.config) != _sort(key)):
        raise TreeError(
            f"{build} was made for {stamp.tree} with --config {stamp.config}, not for this tree and configuration",
            "name another directory with --build, or remove this one",
        )
    make_directory(build)
    inputs = build_inputs(root, build / WALK)
    with _lock(build):
        return _prepare(root, tree, config, build, progress, read_stamp(build), key, inputs, arch)


def _sort(key: str) -> tuple[str, str]:
    """Kind of configuration and architecture of a stamp's `config`."""
    name, _, arch = key.partition("@")
    return name.split()[0], arch


@contextmanager
def _lock(build: Path) -> Iterator[None]:
    """One process at a time works in a build directory; the lock ends with the process."""
    with open(build / "kqual.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _prepare(
    root: Path, tree: str, config: str, build: Path, progress: Progress, stamp: Stamp | None, key: str, inputs: str,
    arch: str,
) -> tuple[Sequence[CompileCommand], Stamp]:
    if stamp is None or (stamp.inputs, stamp.config) != (inputs, key):
        stamp = Stamp(_FORMAT, tree, key, inputs)
        _save(build, stamp)
    database = build / "compile_commands.json"
    if "commands" in stamp.steps and stamp.config_digest == config_digest(build / ".config") and database.is_file():
        return _stored_commands(root, build, database), stamp
    stamp.steps = [step for step in stamp.steps if step in ("configure", "prepare")]
    if "configure" not in stamp.steps or stamp.config_digest != config_digest(build / ".config"):
        progress("configure", 0, 0)
        configure(root, config, build, arch)
        _forget_objects(build)
        stamp.steps = ["configure"]
        stamp.config_digest = config_digest(build / ".config")
        _save(build, stamp)
    if "prepare" not in stamp.steps:
        progress("prepare", 0, 0)
        jobs = f"-j{len(os.sched_getaffinity(0))}"
        make.run(["make", "-s", "-C", str(root), f"O={build}", *variables(arch), jobs, "prepare"], root, "make prepare")
        stamp.steps.append("prepare")
        _save(build, stamp)
    found, notes = ask(root, build, progress, arch)
    compdb.write(database, found, str(root))
    stamp.steps.append("commands")
    stamp.notes = unmet(root, config, build) + notes
    _save(build, stamp)
    return found, stamp


def _stored_commands(root: Path, build: Path, database: Path) -> Sequence[CompileCommand]:
    known = kept(database, build / COMMANDS, str(root))
    if known is not None:
        return known
    found, notes = compdb.read(database, str(root), str(build))
    if not notes:
        keep(found, database, build / COMMANDS, str(root))
    return found


def make_directory(build: Path) -> None:
    """Creates the build directory. Raises TreeError when it cannot be written, or holds what kqual has not put there."""
    try:
        build.mkdir(parents=True, exist_ok=True)
        foreign = [entry.name for entry in build.iterdir() if entry.name not in (LINK_COPY, WALK, "kqual.lock")]
    except OSError as error:
        raise TreeError(
            f"{build}: cannot be used as a build directory: {error.strerror}", "name another one with --build"
        ) from error
    if foreign and not (build / STAMP).exists():
        hint = "name another one with --build, or remove this one"
        if ".config" in foreign:
            hint = f"name another one with --build; --config {build / '.config'} uses its options"
        raise TreeError(f"{build} is not empty and was not made by this version of kqual", hint)
    if not os.access(build, os.W_OK | os.X_OK):
        raise TreeError(f"{build}: cannot be written to", "name another one with --build")


def _forget_objects(build: Path) -> None:
    """Removes objects and their commands, which belong to the configuration before this one."""
    for folder, folders, files in os.walk(build):
        folders[:] = [name for name in folders if name not in (LINK_COPY, "scripts", "tools")]
        for name in files:
            if name.endswith((".o", ".o.cmd")):
                os.unlink(os.path.join(folder, name))


def _save(build: Path, stamp: Stamp) -> None:
    beside = build / (STAMP + ".new")
    beside.write_bytes(msgspec.json.format(msgspec.json.encode(stamp), indent=1))
    beside.replace(build / STAMP)


def variables(arch: str) -> list[str]:
    """make's variables for another architecture. Raises TreeError where no compiler for it is there (any more)."""
    found = architecture.make_variables(arch)
    if found is None:
        raise TreeError(architecture.lacking(arch), "`--config plain` reads the tree without Kbuild")
    return found


def configure(root: Path, config: str, build: Path, arch: str = "") -> None:
    """Writes the final `.config` into `build`."""
    base = ["make", "-s", "-C", str(root), f"O={build}", *variables(arch)]
    if config in ("audit", "defconfig"):
        target = _DEFCONFIGS.get(arch or architecture.host(), "defconfig")
        make.run([*base, target], root, f"make {target}")
    else:
        shutil.copyfile(config, build / ".config")
    if config == "audit":
        merged = build / "kqual-audit.config"
        merged.write_text(fragment(), encoding="utf-8")
        merge = ["sh", str(root / "scripts/kconfig/merge_config.sh"), "-m", "-O", str(build)]
        make.run([*merge, str(build / ".config"), str(merged)], build, "scripts/kconfig/merge_config.sh")
    make.run([*base, "olddefconfig"], root, "make olddefconfig")


def unmet(root: Path, config: str, build: Path) -> list[str]:
    """A note for every option that the audit fragment or the given file asks for and the final `.config` lacks."""
    if config == "defconfig":
        return []
    text = fragment() if config == "audit" else Path(config).read_text("utf-8", "replace")
    asked = {name: value for name, value in options(text).items() if value != "n"}
    final = options((build / ".config").read_text("utf-8", "replace"))
    lacking = [name for name in sorted(asked) if final.get(name, "n") != asked[name]]
    symbols = kconfig_symbols(root) if lacking else set()
    notes = []
    for name in lacking:
        if name not in final and name.removeprefix("CONFIG_") not in symbols:
            why = "this kernel does not know it"
        elif final.get(name, "n") != "n":
            why = f"it is {final[name]} there"
        else:
            why = "a dependency is missing"
        notes.append(f"{name}={asked[name]} is not in the final .config: {why}")
    return notes


def kconfig_symbols(root: Path) -> set[str]:
    """The names of all options that any Kconfig file of the tree declares, without the prefix CONFIG_."""
    symbols: set[str] = set()
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in (".git", "Documentation")]
        for name in files:
            if name.startswith("Kconfig"):
                with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as handle:
                    symbols.update(re.findall(r"^\s*(?:menu)?config\s+(\w+)", handle.read(), re.MULTILINE))
    return symbols


def options(text: str) -> dict[str, str]:
    """The options of a `.config` or a fragment; those that are not set have the value "n"."""
    return {m[1] or m[3]: m[2] if m[1] else "n" for m in _OPTION.finditer(text)}


def ask(root: Path, build: Path, progress: Progress, arch: str = "") -> tuple[list[CompileCommand], list[str]]:
    """The compile commands of a prepared build directory, from a dry run, and notes; makes the generated sources."""
    progress("dry run", 0, 0)
    printed = build / "kqual-dryrun.txt"
    # without vmlinux.a the dry run cannot end well; -k prints every compile line all the same
    said = make.run(["make", "-C", str(root), f"O={build}", *variables(arch), "-n", "V=1", "-k", "vmlinux", "modules"], root,
                    "make -n", allow_failure=True, output=printed)  # fmt: skip
    text = printed.read_text("utf-8", "replace")
    commands, missing, lost = parse_dry_run(text, str(build), str(root))
    printed.unlink()
    # make passes over objects that exist (the vDSO's, made for its image): their commands stand in .cmd files
    made, _ = cmdfiles.read(build, str(root), silent)
    seen = {unit_key(command) for command in commands}
    commands = sorted([*commands, *(c for c in made if unit_key(c) not in seen)], key=unit_key)
    if not commands:
        raise TreeError(f"make -n printed no compile command:\n{make.last_lines(said)}", make.hint_for(said))
    jobs = len(os.sched_getaffinity(0))
    left = generated.generate(missing, root, build, jobs, progress, variables(arch))
    # a generated file without a C suffix shows itself only by the #include that cannot be satisfied
    more = generated.mentioned(generated.missing_includes(commands, root), text, root)
    left += generated.generate([path for path in more if path not in missing], root, build, jobs, progress, variables(arch))
    notes = [f"make -n: a line could not be read: {line}" for line in lost]
    absent = [c.file for c in commands if os.path.isabs(c.file) and not os.path.exists(c.file)]
    notes += [f"generated source {os.path.relpath(name, build)} could not be made; its unit is lost" for name in absent]
    notes += [
        f"generated header {name} could not be made"
        for name in left
        if not name.endswith(".c") and (root / name).parent.is_dir()
    ]
    progress("dry run", len(commands), len(commands))
    return commands, notes


def module_commands(tree: Tree, folder: str) -> list[CompileCommand]:
    """The compile commands of a module outside of the tree, from a dry run with M=; files relative to its folder.

    Runs the module's own makefile. Raises TreeError where the kernel was not prepared by Kbuild.
    """
    build = Path(tree.build) if tree.build else Path(tree.root)
    if not (build / "include/config/auto.conf").is_file():
        raise TreeError(f"{build} was not prepared by Kbuild: it cannot be asked for the module's commands",
                        f"put a compile_commands.json into {folder}")  # fmt: skip
    stamp = read_stamp(build)
    arch = stamp.config.partition("@")[2] if stamp is not None else ""
    output = [f"O={build}"] if str(build) != tree.root else []
    with tempfile.TemporaryDirectory(prefix="kqual-module-") as scratch:
        # Kbuild tries compiler options in a folder that it makes inside of M=
        copy, printed = Path(scratch) / os.path.basename(folder), Path(scratch) / "dryrun.txt"
        linkcopy.update(folder, str(copy), silent)
        command = ["make", "-C", tree.root, *output, *variables(arch), f"M={copy}", "-n", "V=1", "-k", "modules"]
        said = make.run(command, Path(tree.root), "make -n M=", allow_failure=True, output=printed)
        text = printed.read_text("utf-8", "replace").replace(str(copy), folder)
    found = [c for c in parse_dry_run(text, str(build), folder)[0] if not os.path.isabs(c.file) and not c.file.endswith(".mod.c")]
    if not found and said.strip():
        raise TreeError(f"make -n M={folder} printed no compile command:\n{make.last_lines(said)}", make.hint_for(said))
    return found
