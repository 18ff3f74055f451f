/* The repair: both entries ask; the 32-bit one has a hook that knows it sees the untranslated command. */
#include "../kernel.h"

#define OLD_GET_FLAGS 1
#define NEW_GET_FLAGS 2

static long common_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return run_ioctl(file, cmd, arg);
}

long native_ioctl_fixed_ok(unsigned int fd, unsigned int cmd, unsigned long arg)
{
	struct file *file = fget(fd);
	long err;

	if (!file)
		return -EBADF;
	err = security_file_ioctl(file, cmd, arg);
	if (!err)
		err = common_ioctl(file, cmd, arg);
	fput(file);
	return err;
}

long compat_ioctl_fixed_ok(unsigned int fd, unsigned int cmd, unsigned int arg)
{
	struct file *file = fget(fd);
	long err;

	if (!file)
		return -EBADF;
	err = security_file_ioctl_compat(file, cmd, arg);
	if (err)
		goto out;
	if (cmd == OLD_GET_FLAGS)
		cmd = NEW_GET_FLAGS;
	err = common_ioctl(file, cmd, arg);
out:
	fput(file);
	return err;
}
