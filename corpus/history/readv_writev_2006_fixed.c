/* The repair: the function that verifies the range asks the module as well, with the right of the direction. */
#include "../kernel.h"

static int verify_area(int direction, struct file *file, size_t count)
{
	if (file->f_pos < 0 || count > 1000000)
		return -EINVAL;
	return security_file_permission(file, direction == READ ? MAY_READ : MAY_WRITE);
}

static ssize_t transfer_vector(int direction, struct file *file, const struct iovec *vector, int segments)
{
	ssize_t total = 0;
	int err;
	int i;

	for (i = 0; i < segments; i++)
		total += vector[i].iov_len;
	err = verify_area(direction, file, total);
	if (err)
		return err;
	if (direction == READ)
		read_through(file);
	else
		write_through(file);
	return total;
}

ssize_t readv_2006_ok(struct file *file, const struct iovec *vector, int segments)
{
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	return transfer_vector(READ, file, vector, segments);
}

ssize_t writev_2006_ok(struct file *file, const struct iovec *vector, int segments)
{
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	return transfer_vector(WRITE, file, vector, segments);
}
