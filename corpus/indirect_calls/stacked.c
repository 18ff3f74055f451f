/* An implementation of a slot that calls the same slot below it: the outer call is the operation that is asked about. */
#include "../kernel.h"

static ssize_t proxy_read(struct file *file, char *buf, size_t count, loff_t *pos)
{
	struct file *real = file->private_data;

	return real->f_op->read(real, buf, count, pos);
}

static const struct file_operations proxy_operations = { .read = proxy_read };

ssize_t read_through_proxy_ok(struct file *file, char *buf, size_t count, loff_t *pos)
{
	int err = security_file_permission(file, MAY_READ);

	if (err)
		return err;
	file->f_op = &proxy_operations;
	return file->f_op->read(file, buf, count, pos);
}

ssize_t read_through_proxy_bad(struct file *file, char *buf, size_t count, loff_t *pos)
{
	return file->f_op->read(file, buf, count, pos); /* expect: missing-check file-read */
}
