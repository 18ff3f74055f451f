/* The repair: the module is asked about the file and the rights with which it is about to be mapped. */
#include "../kernel.h"

long remap_file_pages_ok(unsigned long start, unsigned long size)
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
	err = security_mmap_file(file, prot, MAP_SHARED);
	if (!err)
		install_mapping(file, prot, MAP_SHARED);
	fput(file);
out:
	mmap_write_unlock(mm);
	return err;
}
