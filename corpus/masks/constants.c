/* MAY_READ does not cover a write; unions cover their parts; modifiers are no rights. */
#include "../kernel.h"

int write_asked_ok(struct file *file)
{
	int err = security_file_permission(file, MAY_WRITE);

	if (err)
		return err;
	write_through(file);
	return 0;
}

int read_asked_bad(struct file *file)
{
	int err = security_file_permission(file, MAY_READ);

	if (err)
		return err;
	write_through(file); /* expect: weaker-check through-write */
	return 0;
}

int union_asked_ok(struct file *file)
{
	int err = security_file_permission(file, MAY_READ | MAY_WRITE);

	if (err)
		return err;
	read_through(file);
	write_through(file);
	exchange_through(file);
	return 0;
}

int half_of_union_bad(struct file *file)
{
	int err = security_file_permission(file, MAY_WRITE);

	if (err)
		return err;
	exchange_through(file); /* expect: weaker-check through-exchange */
	return 0;
}

int two_halves_ok(struct file *file)
{
	int err = security_file_permission(file, MAY_READ);

	if (err)
		return err;
	err = security_file_permission(file, MAY_WRITE);
	if (err)
		return err;
	exchange_through(file);
	return 0;
}

int modifier_only_bad(struct file *file)
{
	int err = security_file_permission(file, MAY_ACCESS | MAY_NOT_BLOCK);

	if (err)
		return err;
	write_through(file); /* expect: weaker-check through-write */
	return 0;
}

int modifier_added_ok(struct inode *inode)
{
	int err = inode_permission(&nop_mnt_idmap, inode, MAY_WRITE | MAY_OPEN | MAY_ACCESS);

	if (err)
		return err;
	change_inode(inode);
	return 0;
}

int through_variable_ok(struct file *file)
{
	int mask = MAY_READ;
	int err;

	mask |= MAY_WRITE;
	err = security_file_permission(file, mask);
	if (err)
		return err;
	write_through(file);
	return 0;
}

int bit_removed_bad(struct file *file)
{
	int mask = MAY_READ | MAY_WRITE;
	int err;

	mask &= ~MAY_WRITE;
	err = security_file_permission(file, mask);
	if (err)
		return err;
	write_through(file); /* expect: weaker-check through-write */
	return 0;
}

int zero_mask_bad(struct file *file)
{
	int err = security_file_permission(file, 0);

	if (err)
		return err;
	read_through(file); /* expect: weaker-check through-read */
	return 0;
}
