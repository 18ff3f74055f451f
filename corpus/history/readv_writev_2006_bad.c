/*
 * Before 2.6.18: read(2) and write(2) asked the module on every call, the vector forms only checked the range.
 * A descriptor inherited over a change of label could still be read through readv(2).
 */
#include "../kernel.h"

static int verify_range(struct file *file, size_t count)
{
	if (file->f_pos < 0 || count > 1000000)
		return -EINVAL;
	return 0;
}

static ssize_t transfer_vector(int direction, struct file *file, const struct iovec *vector, int segments)
{
	ssize_t total = 0;
	int err;
	int i;

	for (i = 0; i < segments; i++)
		total += vector[i].iov_len;
	err = verify_range(file, total);
	if (err)
		return err;
	if (direction == READ)
		read_through(file); /* expect: missing-check through-read */
	else
		write_through(file); /* expect: missing-check through-write */
	return total;
}

ssize_t readv_2006_bad(struct file *file, const struct iovec *vector, int segments)
{
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	return transfer_vector(READ, file, vector, segments);
}

ssize_t writev_2006_bad(struct file *file, const struct iovec *vector, int segments)
{
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	return transfer_vector(WRITE, file, vector, segments);
}
