/* The repair: each submitted operation asks for its own right before it is set up. */
#include "../kernel.h"

#define OP_READ 0
#define OP_WRITE 1

struct submission {
	unsigned int fd;
	int op;
};

static int run_request(struct kiocb *request, int op)
{
	int err;

	switch (op) {
	case OP_READ:
		err = security_file_permission(request->ki_filp, MAY_READ);
		if (err)
			break;
		read_through(request->ki_filp);
		break;
	case OP_WRITE:
		err = security_file_permission(request->ki_filp, MAY_WRITE);
		if (err)
			break;
		write_through(request->ki_filp);
		break;
	default:
		err = -EINVAL;
	}
	return err;
}

int submit_2005_ok(const struct submission *submission)
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
