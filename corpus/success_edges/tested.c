/* A check grants nothing by being called: the fact stands on the edge where its result says "allowed". */
#include "../kernel.h"

int early_return_ok(struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int no_check_bad(struct thing *thing)
{
	if (thing->state == 3)
		return -EBUSY;
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int inside_condition_ok(struct thing *thing)
{
	if (security_thing(thing) == 0) {
		controlled_op(thing);
		return 0;
	}
	return -EACCES;
}

int negative_result_ok(struct thing *thing)
{
	/* An errno hook returns at most 0: "< 0" and "!= 0" say the same. */
	if (security_thing(thing) < 0)
		return -EACCES;
	controlled_op(thing);
	return 0;
}

int short_circuit_ok(struct thing *thing, int mode)
{
	if (mode == 0 || security_thing(thing))
		return -EACCES;
	controlled_op(thing);
	return 0;
}

int conjunction_ok(struct thing *thing, int mode)
{
	if (mode && !security_thing(thing))
		controlled_op(thing);
	return 0;
}

int wrong_junction_bad(struct thing *thing, int mode)
{
	if (mode || !security_thing(thing))
		controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int conditional_operator_ok(struct thing *thing)
{
	int err = security_thing(thing);

	return err ? err : controlled_status(thing);
}

int status_in_condition_bad(struct thing *thing, int quick)
{
	return quick ? controlled_status(thing) : -EAGAIN; /* expect: missing-check thing-status */
}

int bool_allows_ok(int how)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	reboot_machine(how);
	return 0;
}

int bool_nested_ok(int how)
{
	if (how != 0) {
		if (capable(CAP_SYS_ADMIN))
			reboot_machine(how);
	}
	return 0;
}

int one_path_only_bad(struct thing *thing, int id)
{
	int err = 0;

	if (id > 100)
		err = security_thing(thing);
	if (err)
		return err;
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int both_paths_ok(struct thing *thing, int id)
{
	int err;

	if (id > 100)
		err = security_thing(thing);
	else
		err = security_thing(thing);
	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int kept_in_bool_ok(struct thing *thing)
{
	bool allowed = security_thing(thing) == 0;

	note_event(1);
	if (!allowed)
		return -EACCES;
	controlled_op(thing);
	return 0;
}

int twice_negated_ok(struct thing *thing)
{
	int denied = !!security_thing(thing);

	if (denied)
		return -EACCES;
	controlled_op(thing);
	return 0;
}
