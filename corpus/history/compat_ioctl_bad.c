/* The 32-bit entry of ioctl(2) translated the command and ran it without the hook that the 64-bit entry had. */
#include "../kernel.h"

#define OLD_GET_FLAGS 1
#define NEW_GET_FLAGS 2

static long common_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return run_ioctl(file, cmd, arg);
}

long native_ioctl_ok(unsigned int fd, unsigned int cmd, unsigned long arg)
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

long compat_ioctl_bad(unsigned int fd, unsigned int cmd, unsigned int arg)
{
	struct file *file = fget(fd);
	long err;

	if (!file)
		return -EBADF;
	if (cmd == OLD_GET_FLAGS)
		cmd = NEW_GET_FLAGS;
	err = common_ioctl(file, cmd, arg); /* expect: missing-check history-run-ioctl */
	fput(file);
	return err;
}
