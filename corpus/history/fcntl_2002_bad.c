/*
 * Linux 2.4.9 with LSM, found with CQUAL in 2002: fcntl(2) shows the file to the module, then hands the descriptor
 * number down; the locking code takes the file from the table once more.  A second thread may have put another file
 * there in the meantime.
 */
#include "../kernel.h"

static int set_lock(unsigned int fd, unsigned int cmd)
{
	struct file *file = fget(fd);

	if (!file)
		return -EBADF;
	place_lock(file, cmd); /* expect: refetch history-place-lock */
	fput(file);
	return 0;
}

static long control(unsigned int fd, unsigned int cmd, unsigned long arg, struct file *file)
{
	switch (cmd) {
	case F_SETLK:
		return set_lock(fd, cmd);
	case F_GETOWN:
		return file->f_flags;
	default:
		return -EINVAL;
	}
}

long fcntl_2002_bad(unsigned int fd, unsigned int cmd, unsigned long arg)
{
	struct file *file = fget(fd);
	long err;

	if (!file)
		return -EBADF;
	err = security_file_fcntl(file, cmd, arg);
	if (!err)
		err = control(fd, cmd, arg, file);
	fput(file);
	return err;
}
