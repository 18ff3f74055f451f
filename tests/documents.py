"""Documents for the tests of reports and commands."""

from verifier.findings import (
    Calls,
    Completeness,
    ExemptionNote,
    Finding,
    LedgerEntry,
    Obligations,
    Sibling,
    SlotCalls,
    Step,
    Units,
    UnitTrouble,
    make_document,
)

HOSTILE = "</script><img src=x onerror=alert(1)>\x1b[31m\u202e\udc80`'\"&@all"


def finding(**change):
    """An error at fs/namei.c:4300; `change` replaces fields."""
    fields = {
        "fingerprint": "", "kind": "missing-check", "tier": "error", "rule": "inode-unlink",
        "operation": "dir->i_op->unlink(dir, dentry)", "object": "dentry", "requires": ["security_inode_unlink"],
        "file": "fs/namei.c", "line": 3, "function": "vfs_unlink", "door": "__do_sys_unlink",
        "path": [
            Step(file="fs/namei.c", line=9, function="__do_sys_unlink", note="calls down"),
            Step(file="fs/namei.c", line=3, function="vfs_unlink", note="dir->i_op->unlink(dir, dentry)"),
        ],
        "sibling": Sibling(file="fs/namei.c", line=7, function="vfs_rmdir", check="security_inode_rmdir"),
        "assumptions": ["mm/slab.c:kfree changes nothing it is not given"],
    }  # fmt: skip
    return Finding(**(fields | change))


def completeness(total=10, analysed=9):
    """One unit lost of ten."""
    lost = [UnitTrouble(file="fs/broken.c", error="fs/broken.c:1:1: error: unknown type name 'foo'")] * (total - analysed)
    return Completeness(
        units=Units(total=total, analysed=analysed, partial=[], lost=lost),
        functions=1234,
        calls=Calls(
            direct=5000, indirect=100, unresolved=12,
            slots=[SlotCalls(slot="file_operations.read", sites=20, targets=0, unresolved=12)],
        ),
        obligations=Obligations(mediated=70, unmediated=2, unknown=8),
        ledger=[LedgerEntry(kind="inline-asm", what="arch/x86/entry.c", count=3)],
    )  # fmt: skip


def document(**more):
    """An error, a warning without a sibling, two notes."""
    found = [
        finding(),
        finding(kind="ignored-result", tier="warning", line=5, sibling=None, door=None, path=[]),
        finding(tier="note", line=6),
        finding(tier="note", line=8),
    ]
    more.setdefault("configuration", {"kernel": "6.12"})
    more.setdefault("exemptions", [ExemptionNote(name="private", reason="S_PRIVATE inodes are the kernel's own")])
    return make_document(completeness(), found, **more)


def hostile():
    """Names that try to be markup, terminal codes and broken UTF-8, everywhere."""
    bad = finding(
        rule=HOSTILE, operation=HOSTILE, object=HOSTILE, requires=[HOSTILE], file=f"fs/{HOSTILE}.c", door=HOSTILE, reason=HOSTILE,
        path=[Step(file=HOSTILE, line=1, function=HOSTILE, note=HOSTILE)], assumptions=[HOSTILE],
        sibling=Sibling(file=HOSTILE, line=1, function=HOSTILE, check=HOSTILE), exemptions=[HOSTILE], passed=[HOSTILE],
    )  # fmt: skip
    lost = completeness()
    lost.units.lost.append(UnitTrouble(file=HOSTILE, error=HOSTILE))
    lost.ledger.append(LedgerEntry(kind=HOSTILE, what=HOSTILE))
    return make_document(lost, [bad], configuration={"kernel": HOSTILE})
