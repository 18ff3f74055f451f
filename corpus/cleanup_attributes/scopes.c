/* Releases in cleanup attributes, as guard(), CLASS() and __free() leave them behind. */
#include "../kernel.h"

static void release_thing(struct thing **thing)
{
	if (*thing)
		put_thing(*thing);
}

static void release_mutex(struct mutex **lock)
{
	if (*lock)
		mutex_unlock(*lock);
}

static void release_fd(struct fd *fd)
{
	if (fd->file)
		fdput(*fd);
}

static void release_creds(const struct cred **old)
{
	revert_creds(*old);
}

static struct mutex *take(struct mutex *lock)
{
	mutex_lock(lock);
	return lock;
}

int freed_at_exit_ok(int id)
{
	struct thing *thing __attribute__((cleanup(release_thing))) = find_thing(id);
	int err;

	if (!thing)
		return -ENOENT;
	err = security_thing(thing);
	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int freed_at_exit_bad(int id)
{
	struct thing *thing __attribute__((cleanup(release_thing))) = find_thing(id);

	if (!thing)
		return -ENOENT;
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int guarded_scope_ok(struct box *box)
{
	struct mutex *guard __attribute__((cleanup(release_mutex))) = take(&box->lock);
	int err = security_thing(box->spare);

	if (err)
		return err;
	controlled_op(box->spare);
	return 0;
}

int fd_class_ok(unsigned int number)
{
	struct fd f __attribute__((cleanup(release_fd))) = fdget(number);
	int err;

	if (!f.file)
		return -EBADF;
	err = security_file_permission(f.file, MAY_WRITE);
	if (err)
		return err;
	write_through(f.file);
	return 0;
}

int fd_class_twice_bad(unsigned int number)
{
	struct fd f __attribute__((cleanup(release_fd))) = fdget(number);
	int err;

	if (!f.file)
		return -EBADF;
	err = security_file_permission(f.file, MAY_WRITE);
	if (err)
		return err;
	{
		struct fd g __attribute__((cleanup(release_fd))) = fdget(number);

		if (!g.file)
			return -EBADF;
		write_through(g.file); /* expect: refetch through-write */
	}
	return 0;
}

int two_scopes_bad(int id, int other_id)
{
	{
		struct thing *thing __attribute__((cleanup(release_thing))) = find_thing(id);

		if (!thing || security_thing(thing))
			return -EACCES;
	}
	{
		struct thing *thing __attribute__((cleanup(release_thing))) = find_thing(other_id);

		if (!thing)
			return -ENOENT;
		controlled_op(thing); /* expect: wrong-object thing-use */
	}
	return 0;
}

int borrowed_in_scope_ok(struct thing *thing, const struct cred *stronger)
{
	int err;

	{
		const struct cred *old __attribute__((cleanup(release_creds))) = override_creds(stronger);

		note_event(4);
	}
	err = security_thing(thing);
	if (err)
		return err;
	controlled_op(thing);
	return 0;
}
