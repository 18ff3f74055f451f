/*
 * CVE-2024-47745: the emulation of remap_file_pages(2) maps the file of an existing area anew, with flags worked out
 * from the old area, and the module is not asked.
 */
#include "../kernel.h"

long remap_file_pages_bad(unsigned long start, unsigned long size)
{
	struct mm_struct *mm = get_current()->mm;
	struct vm_area_struct *area;
	struct file *file;
	unsigned long prot = 0;
	long err = -EINVAL;

	if (start + size <= start)
		return err;
	mmap_write_lock(mm);
	area = vma_lookup(mm, start);
	if (!area || !(area->vm_flags & MAP_SHARED))
		goto out;
	if (area->vm_flags & PROT_READ)
		prot |= PROT_READ;
	if (area->vm_flags & PROT_EXEC)
		prot |= PROT_EXEC;
	file = get_file(area->vm_file);
	install_mapping(file, prot, MAP_SHARED); /* expect: missing-check mapping-install */
	fput(file);
	err = 0;
out:
	mmap_write_unlock(mm);
	return err;
}
