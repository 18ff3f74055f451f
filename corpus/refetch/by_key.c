/* An object obtained again by the same key after the check is another object. */
#include "../kernel.h"

int same_thing_twice_bad(int id)
{
	struct thing *thing = find_thing(id);
	int err;

	if (!thing)
		return -ENOENT;
	err = security_thing(thing);
	put_thing(thing);
	if (err)
		return err;
	thing = find_thing(id);
	if (!thing)
		return -ENOENT;
	controlled_op(thing); /* expect: refetch thing-use */
	put_thing(thing);
	return 0;
}

int held_across_ok(int id)
{
	struct thing *thing = find_thing(id);
	int err;

	if (!thing)
		return -ENOENT;
	err = security_thing(thing);
	if (!err)
		controlled_op(thing);
	put_thing(thing);
	return err;
}

int fetched_again_and_checked_ok(int id)
{
	struct thing *thing = find_thing(id);
	int err;

	if (!thing)
		return -ENOENT;
	err = security_thing(thing);
	put_thing(thing);
	if (err)
		return err;
	thing = find_thing(id);
	if (!thing)
		return -ENOENT;
	err = security_thing(thing);
	if (!err)
		controlled_op(thing);
	put_thing(thing);
	return err;
}

static int write_by_number(unsigned int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return -EBADF;
	write_through(file); /* expect: refetch through-write */
	fput(file);
	return 0;
}

int number_handed_down_bad(unsigned int fd)
{
	struct file *file = fget(fd);
	int err;

	if (!file)
		return -EBADF;
	err = security_file_permission(file, MAY_WRITE);
	if (!err)
		err = write_by_number(fd);
	fput(file);
	return err;
}

static int write_by_file(struct file *file)
{
	write_through(file);
	return 0;
}

int file_handed_down_ok(unsigned int fd)
{
	struct file *file = fget(fd);
	int err;

	if (!file)
		return -EBADF;
	err = security_file_permission(file, MAY_WRITE);
	if (!err)
		err = write_by_file(file);
	fput(file);
	return err;
}

int two_variables_bad(unsigned int fd)
{
	struct file *file = fget(fd);
	struct file *again;
	int err;

	if (!file)
		return -EBADF;
	err = security_file_permission(file, MAY_READ);
	if (err)
		goto out;
	again = fget(fd);
	if (!again)
		goto out;
	read_through(again); /* expect: refetch through-read */
	fput(again);
out:
	fput(file);
	return err;
}

int task_by_pid_bad(pid_t pid)
{
	struct task_struct *task = find_task_by_vpid(pid);

	if (!task)
		return -ESRCH;
	if (!ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS))
		return -EPERM;
	task = find_task_by_vpid(pid);
	if (!task)
		return -ESRCH;
	peek_task(task); /* expect: refetch task-peek */
	return 0;
}

int task_by_pid_ok(pid_t pid)
{
	struct task_struct *task = find_task_by_vpid(pid);

	if (!task)
		return -ESRCH;
	if (!ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS))
		return -EPERM;
	peek_task(task);
	return 0;
}

int other_key_bad(int id, int other_id)
{
	struct thing *thing = find_thing(id);
	struct thing *other;
	int err;

	if (!thing)
		return -ENOENT;
	err = security_thing(thing);
	if (err)
		goto out;
	other = find_thing(other_id);
	if (!other)
		goto out;
	controlled_op(other); /* expect: wrong-object thing-use */
	put_thing(other);
out:
	put_thing(thing);
	return err;
}

/* Said to be an ignored result: the object of a later turn is not known as the same key. */
int FN_fetched_in_a_loop_bad(int id)
{
	struct thing *thing = find_thing(id);
	int err, tries;

	if (!thing)
		return -ENOENT;
	err = security_thing(thing);
	if (err)
		return err;
	for (tries = 0; tries < 3; tries++) {
		if (controlled_status(thing) != -EAGAIN) /* expect: refetch thing-status */
			return 0;
		put_thing(thing);
		thing = find_thing(id);
		if (!thing)
			return -ENOENT;
	}
	return -EAGAIN;
}

struct thing_request {
	int id;
	int flags;
};

/* What user space wrote may have changed between two reads of it: the second thing is another one. */
int read_twice_from_user_bad(const struct thing_request *from)
{
	struct thing_request request;
	struct thing *thing;
	int err;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EINVAL;
	thing = find_thing(request.id);
	if (!thing)
		return -ENOENT;
	err = security_thing(thing);
	put_thing(thing);
	if (err)
		return err;
	if (copy_from_user(&request, from, sizeof(request)))
		return -EINVAL;
	thing = find_thing(request.id);
	if (!thing)
		return -ENOENT;
	controlled_op(thing); /* expect: refetch thing-use */
	put_thing(thing);
	return 0;
}

int read_once_from_user_ok(const struct thing_request *from)
{
	struct thing_request request;
	struct thing *thing;
	int err;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EINVAL;
	thing = find_thing(request.id);
	if (!thing)
		return -ENOENT;
	err = security_thing(thing);
	if (!err)
		controlled_op(thing);
	put_thing(thing);
	return err;
}

/* Said to lack the check: nothing holds the other thing any more, and facts about it are gone. */
int FN_other_request_bad(const struct thing_request *from, const struct thing_request *next)
{
	struct thing_request request;
	struct thing *thing;
	int err;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EINVAL;
	thing = find_thing(request.id);
	if (!thing)
		return -ENOENT;
	err = security_thing(thing);
	put_thing(thing);
	if (err)
		return err;
	if (copy_from_user(&request, next, sizeof(request)))
		return -EINVAL;
	thing = find_thing(request.id);
	if (!thing)
		return -ENOENT;
	controlled_op(thing); /* expect: wrong-object thing-use */
	put_thing(thing);
	return 0;
}
