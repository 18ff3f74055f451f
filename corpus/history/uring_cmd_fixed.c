/* The repair: a hook of its own, asked after the test for the method and before the call. */
#include "../kernel.h"

#define SQE_LARGE 1024

struct ring {
	unsigned int flags;
};

static int issue_command(struct ring *ring, struct io_uring_cmd *ioucmd, unsigned int issue_flags)
{
	struct file *file = ioucmd->file;
	int err;

	if (!file->f_op->uring_cmd)
		return -EOPNOTSUPP;
	err = security_uring_cmd(ioucmd);
	if (err)
		return err;
	if (ring->flags & SQE_LARGE)
		issue_flags |= SQE_LARGE;
	return file->f_op->uring_cmd(ioucmd, issue_flags);
}

int uring_command_ok(struct ring *ring, unsigned int fd)
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
