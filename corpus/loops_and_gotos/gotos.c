/* goto in the kernel's manner: one exit, errors jump to it. */
#include "../kernel.h"

int single_exit_ok(int id)
{
	struct thing *thing = find_thing(id);
	int err = -ENOENT;

	if (!thing)
		goto out;
	err = security_thing(thing);
	if (err)
		goto out_put;
	controlled_op(thing);
out_put:
	put_thing(thing);
out:
	return err;
}

int jump_over_check_bad(struct thing *thing, int quick)
{
	int err = 0;

	if (quick)
		goto use;
	err = security_thing(thing);
	if (err)
		goto out;
use:
	controlled_op(thing); /* expect: missing-check thing-use */
out:
	return err;
}

int jump_into_branch_bad(struct thing *thing, int quick)
{
	if (quick)
		goto inside;
	if (!security_thing(thing)) {
inside:
		controlled_op(thing); /* expect: missing-check thing-use */
	}
	return 0;
}

int backward_jump_ok(struct thing *thing)
{
	int tries = 0;
	int err;

	err = security_thing(thing);
	if (err)
		return err;
again:
	if (controlled_status(thing) == -EAGAIN && tries++ < 3)
		goto again;
	return 0;
}

int backward_jump_bad(struct thing *thing)
{
	int checked = 0;

again:
	controlled_op(thing); /* expect: late-check thing-use */
	if (!checked) {
		if (security_thing(thing))
			return -EACCES;
		checked = 1;
		goto again;
	}
	return 0;
}

int error_label_first_ok(struct thing *thing)
{
	int err;

	err = security_thing(thing);
	if (!err)
		goto use;
denied:
	note_event(err);
	return err;
use:
	if (thing->state < 0) {
		err = -EINVAL;
		goto denied;
	}
	controlled_op(thing);
	return 0;
}
