/* What every successful ->open of a table established holds in its other slots. */
#include "../kernel.h"

ssize_t __do_sys_pwrite(unsigned int fd, const char *buf, size_t count, loff_t pos)
{
	struct file *file = fget(fd);
	ssize_t done;

	if (!file)
		return -EBADF;
	done = security_file_permission(file, MAY_WRITE);
	if (!done)
		done = file->f_op->write(file, buf, count, &pos);
	fput(file);
	return done;
}

static int admin_open(struct inode *inode, struct file *file)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	file->private_data = inode->i_private;
	return 0;
}

static ssize_t admin_write_ok(struct file *file, const char *buf, size_t count, loff_t *pos)
{
	reboot_machine(0);
	return count;
}

const struct file_operations admin_fops = {
	.open = admin_open,
	.write = admin_write_ok,
};

static int plain_open(struct inode *inode, struct file *file)
{
	file->private_data = inode->i_private;
	return 0;
}

static ssize_t plain_write_bad(struct file *file, const char *buf, size_t count, loff_t *pos)
{
	reboot_machine(0); /* expect: missing-check machine-reboot */
	return count;
}

const struct file_operations plain_fops = {
	.open = plain_open,
	.write = plain_write_bad,
};

/* One of two tables that share a function is opened without a check. */
static ssize_t shared_write_bad(struct file *file, const char *buf, size_t count, loff_t *pos)
{
	reboot_machine(0); /* expect: missing-check machine-reboot */
	return count;
}

const struct file_operations strict_fops = {
	.open = admin_open,
	.write = shared_write_bad,
};

const struct file_operations loose_fops = {
	.open = plain_open,
	.write = shared_write_bad,
};
