/* Masks chosen by a condition or handed through wrappers. */
#include "../kernel.h"

static int verify_area(int direction, struct file *file)
{
	int mask = direction == READ ? MAY_READ : MAY_WRITE;

	return security_file_permission(file, mask);
}

int direction_write_ok(struct file *file)
{
	int err = verify_area(WRITE, file);

	if (err)
		return err;
	write_through(file);
	return 0;
}

int direction_read_bad(struct file *file)
{
	int err = verify_area(READ, file);

	if (err)
		return err;
	write_through(file); /* expect: weaker-check through-write */
	return 0;
}

int direction_in_local_ok(struct file *file)
{
	int direction = WRITE;
	int err = verify_area(direction, file);

	if (err)
		return err;
	write_through(file);
	return 0;
}

static int ask(struct file *file, int mask)
{
	if (!file)
		return -EBADF;
	return security_file_permission(file, mask | MAY_ACCESS);
}

int mask_parameter_ok(struct file *file)
{
	int err = ask(file, MAY_READ);

	if (err)
		return err;
	read_through(file);
	return 0;
}

int mask_parameter_bad(struct file *file)
{
	int err = ask(file, MAY_READ);

	if (err)
		return err;
	write_through(file); /* expect: weaker-check through-write */
	return 0;
}

int mask_from_user_bad(struct file *file, int mask)
{
	int err = security_file_permission(file, mask);

	if (err)
		return err;
	write_through(file); /* expect: weaker-check through-write */
	return 0;
}

int mask_by_mode_ok(struct file *file, int writing)
{
	int mask = writing ? MAY_WRITE : MAY_READ;
	int err = security_file_permission(file, mask);

	if (err)
		return err;
	if (writing)
		write_through(file);
	else
		read_through(file);
	return 0;
}

int mask_by_mode_bad(struct file *file, int writing)
{
	int mask = writing ? MAY_READ : MAY_READ | MAY_EXEC;
	int err = security_file_permission(file, mask);

	if (err)
		return err;
	if (writing)
		write_through(file); /* expect: weaker-check through-write */
	else
		read_through(file);
	return 0;
}
