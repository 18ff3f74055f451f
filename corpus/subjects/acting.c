/* Operations that must be done in the name of somebody: it is the credentials in force that count, not a check. */
#include "../kernel.h"

int acts_as_opener_ok(struct file *file, int value)
{
	const struct cred *saved = override_creds(file->f_cred);

	write_stream(file, value);
	revert_creds(saved);
	return 0;
}

int acts_as_itself_bad(struct file *file, int value)
{
	write_stream(file, value); /* expect: wrong-subject stream-write */
	return 0;
}

int acts_as_other_opener_bad(struct file *file, struct file *other, int value)
{
	const struct cred *saved = override_creds(other->f_cred);

	write_stream(file, value); /* expect: wrong-subject stream-write */
	revert_creds(saved);
	return 0;
}

int acts_after_revert_bad(struct file *file, int value)
{
	const struct cred *saved = override_creds(file->f_cred);

	revert_creds(saved);
	write_stream(file, value); /* expect: wrong-subject stream-write */
	return 0;
}

int acts_on_one_path_bad(struct file *file, int value, int own)
{
	const struct cred *saved = 0;

	if (!own)
		saved = override_creds(file->f_cred);
	write_stream(file, value); /* expect: wrong-subject stream-write */
	if (saved)
		revert_creds(saved);
	return 0;
}

static int write_twice(struct file *file, int value)
{
	write_stream(file, value);
	write_stream(file, value + 1);
	return 0;
}

int acts_for_callee_ok(struct file *file, int value)
{
	const struct cred *saved = override_creds(file->f_cred);
	int err = write_twice(file, value);

	revert_creds(saved);
	return err;
}
