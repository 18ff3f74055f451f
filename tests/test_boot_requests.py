"""What runs at boot runs for nobody, but for functions that do what whoever starts the kernel asked for."""

from lattices.pack import load
from verifier.program.analyse import analysis
from verifier.store import Store
from verifier.tree import open_tree

SOURCE = """
#define INIT __attribute__((__section__(".init.text")))
int security_locked_down(int what);
void *memcpy(void *to, const void *from, unsigned long size);
void acpi_arch_set_root_pointer(unsigned long where);
int INIT register_tracer(void *tracer) { return 0; }
int INIT efivar_ssdt_setup(char *name) { static char kept[8]; memcpy(kept, name, 8); return 1; }
unsigned long INIT acpi_os_get_root_pointer(unsigned long where)
{
    if (!security_locked_down(9))
        acpi_arch_set_root_pointer(where);
    return where;
}
int bitmap_clear(int x);
int INIT ksys_ioperm(void) { return bitmap_clear(1); }
"""


def test_a_boot_request_counts_and_other_initialisation_does_not(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "boot.c").write_text(SOURCE)
    tree = open_tree(str(tmp_path / "tree"), "plain", build=str(tmp_path / "build"))
    with Store.open(tmp_path / "store.db") as store:
        found = analysis(tree, store, load(version="6.12"), 1, (), None)
        reported = {(f.rule, f.function) for f in found.document().findings}
        entries = {fid.partition("@")[0]: door for fid, door in found.doors.entries.items()}
    assert reported == {("boot-acpi-variable", "efivar_ssdt_setup")}
    assert (entries["ksys_ioperm"].name, entries["register_tracer"].subject) == ("init", "boot")
    assert entries["register_tracer"].kind == "init"
