/* A check after the operation is too late, however well it is tested. */
#include "../kernel.h"

int checked_afterwards_bad(struct thing *thing)
{
	int err;

	controlled_op(thing); /* expect: late-check thing-use */
	err = security_thing(thing);
	if (err)
		return err;
	return 0;
}

int checked_before_ok(struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		return err;
	note_event(6);
	controlled_op(thing);
	return 0;
}

int status_then_check_bad(struct thing *thing)
{
	int err = controlled_status(thing); /* expect: late-check thing-status */

	if (!err)
		err = security_thing(thing);
	return err;
}

int between_two_uses_bad(struct thing *thing)
{
	controlled_op(thing); /* expect: late-check thing-use */
	if (security_thing(thing))
		return -EACCES;
	controlled_op(thing);
	return 0;
}

int late_in_helper_bad(struct file *file, int early)
{
	int err;

	if (early)
		write_through(file); /* expect: late-check through-write */
	err = security_file_permission(file, MAY_WRITE);
	if (err)
		return err;
	if (!early)
		write_through(file);
	return 0;
}

int prepared_before_ok(struct box *box)
{
	/* Locks, references and allocations before the check are no lasting effects. */
	void *space = kmalloc(64, GFP_KERNEL);
	int err = -ENOMEM;

	if (!space)
		return err;
	mutex_lock(&box->lock);
	err = security_thing(box->spare);
	if (!err)
		controlled_op(box->spare);
	mutex_unlock(&box->lock);
	kfree(space);
	return err;
}

int late_for_other_object_bad(struct thing *thing, struct thing *other)
{
	controlled_op(thing); /* expect: missing-check thing-use */
	if (security_thing(other))
		return -EACCES;
	controlled_op(other);
	return 0;
}
