/*
 * io_uring before 6.0: IORING_OP_URING_CMD passes a driver command through file_operations.uring_cmd, much as ioctl(2)
 * does, and no hook existed for it.
 */
#include "../kernel.h"

#define SQE_LARGE 1024

struct ring {
	unsigned int flags;
};

static int issue_command(struct ring *ring, struct io_uring_cmd *ioucmd, unsigned int issue_flags)
{
	struct file *file = ioucmd->file;

	if (!file->f_op->uring_cmd)
		return -EOPNOTSUPP;
	if (ring->flags & SQE_LARGE)
		issue_flags |= SQE_LARGE;
	return file->f_op->uring_cmd(ioucmd, issue_flags); /* expect: missing-check uring-cmd */
}

int uring_command_bad(struct ring *ring, unsigned int fd)
{
	struct io_uring_cmd ioucmd = { .cmd_op = 1 };
	int err;

	ioucmd.file = fget(fd);
	if (!ioucmd.file)
		return -EBADF;
	err = issue_command(ring, &ioucmd, 0);
	fput(ioucmd.file);
	return err;
}
