/* Handlers behind file_operations are reached by ioctl(2): the hook on the file says nothing about the machine. */
#include "../kernel.h"

long __do_sys_ioctl(unsigned int fd, unsigned int cmd, unsigned long arg)
{
	struct file *file = fget(fd);
	long err;

	if (!file)
		return -EBADF;
	err = security_file_ioctl(file, cmd, arg);
	if (!err) {
		err = -ENOTTY;
		if (file->f_op->unlocked_ioctl)
			err = file->f_op->unlocked_ioctl(file, cmd, arg);
	}
	fput(file);
	return err;
}

static long panel_ioctl_bad(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd == 1)
		reboot_machine((int)arg); /* expect: missing-check machine-reboot */
	return 0;
}

static long panel_ioctl_ok(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != 1)
		return -ENOTTY;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	reboot_machine((int)arg);
	return 0;
}

const struct file_operations loose_panel_fops = { .unlocked_ioctl = panel_ioctl_bad };
const struct file_operations tight_panel_fops = { .unlocked_ioctl = panel_ioctl_ok };
