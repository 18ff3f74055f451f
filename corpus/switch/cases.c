/* switch on a command, on a mask, and on the result itself. */
#include "../kernel.h"

int check_before_switch_ok(struct thing *thing, int cmd)
{
	int err = security_thing(thing);

	if (err)
		return err;
	switch (cmd) {
	case 1:
		controlled_op(thing);
		break;
	case 2:
		return controlled_status(thing);
	default:
		return -EINVAL;
	}
	return 0;
}

int one_case_forgotten_bad(struct thing *thing, int cmd)
{
	int err = 0;

	switch (cmd) {
	case 1:
		err = security_thing(thing);
		if (!err)
			controlled_op(thing);
		break;
	case 2:
		controlled_op(thing); /* expect: missing-check thing-use */
		break;
	default:
		err = -EINVAL;
	}
	return err;
}

int fall_through_ok(struct thing *thing, int cmd)
{
	switch (cmd) {
	case 1:
		if (security_thing(thing))
			return -EACCES;
		/* falls through */
	case 2:
		if (security_thing(thing))
			return -EACCES;
		controlled_op(thing);
		break;
	}
	return 0;
}

int fall_through_bad(struct thing *thing, int cmd)
{
	switch (cmd) {
	case 1:
		if (security_thing(thing))
			return -EACCES;
		/* falls through */
	case 2:
		controlled_op(thing); /* expect: missing-check thing-use */
		break;
	}
	return 0;
}

int switch_on_result_ok(struct thing *thing)
{
	switch (security_thing(thing)) {
	case 0:
		controlled_op(thing);
		return 0;
	case -EAGAIN:
		return -EBUSY;
	default:
		return -EACCES;
	}
}

int switch_on_result_bad(struct thing *thing)
{
	switch (security_thing(thing)) {
	case 0:
	case -EAGAIN:
		controlled_op(thing); /* expect: ignored-result thing-use */
		return 0;
	default:
		return -EACCES;
	}
}

int same_command_twice_ok(struct thing *thing, int cmd)
{
	switch (cmd) {
	case 3:
		if (security_thing(thing))
			return -EACCES;
		break;
	case 4:
		break;
	default:
		return -EINVAL;
	}
	if (cmd == 3)
		controlled_op(thing);
	return 0;
}

int same_command_twice_bad(struct thing *thing, int cmd)
{
	switch (cmd) {
	case 3:
		if (security_thing(thing))
			return -EACCES;
		break;
	case 4:
		break;
	default:
		return -EINVAL;
	}
	if (cmd == 4)
		controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int default_missing_bad(struct file *file, int cmd)
{
	int mask = 0;
	int err;

	switch (cmd) {
	case READ:
		mask = MAY_READ;
		break;
	case WRITE:
		mask = MAY_WRITE;
		break;
	}
	err = security_file_permission(file, mask);
	if (err)
		return err;
	if (cmd != READ)
		write_through(file); /* expect: weaker-check through-write */
	return 0;
}
