/* Asynchronous I/O before 2.6.10 and again in 2005: submitted reads and writes never came by the module. */
#include "../kernel.h"

#define OP_READ 0
#define OP_WRITE 1

struct submission {
	unsigned int fd;
	int op;
};

static int run_request(struct kiocb *request, int op)
{
	switch (op) {
	case OP_READ:
		if (!(request->ki_filp->f_mode & FMODE_READ))
			return -EBADF;
		read_through(request->ki_filp); /* expect: missing-check through-read */
		break;
	case OP_WRITE:
		if (!(request->ki_filp->f_mode & FMODE_WRITE))
			return -EBADF;
		write_through(request->ki_filp); /* expect: missing-check through-write */
		break;
	default:
		return -EINVAL;
	}
	return 0;
}

int submit_2005_bad(const struct submission *submission)
{
	struct kiocb request = { .ki_pos = 0 };
	int err;

	request.ki_filp = fget(submission->fd);
	if (!request.ki_filp)
		return -EBADF;
	err = run_request(&request, submission->op);
	fput(request.ki_filp);
	return err;
}
