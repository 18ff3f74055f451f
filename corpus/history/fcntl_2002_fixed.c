/* The repair: the checked file itself goes down to the locking code. */
#include "../kernel.h"

static int set_lock(struct file *file, unsigned int cmd)
{
	place_lock(file, cmd);
	return 0;
}

static long control(unsigned int cmd, unsigned long arg, struct file *file)
{
	switch (cmd) {
	case F_SETLK:
		return set_lock(file, cmd);
	case F_GETOWN:
		return file->f_flags;
	default:
		return -EINVAL;
	}
}

long fcntl_2002_ok(unsigned int fd, unsigned int cmd, unsigned long arg)
{
	struct file *file = fget(fd);
	long err;

	if (!file)
		return -EBADF;
	err = security_file_fcntl(file, cmd, arg);
	if (!err)
		err = control(cmd, arg, file);
	fput(file);
	return err;
}
