/* Facts under a condition: joins keep the implication instead of dropping the fact. */
#include "../kernel.h"

int limit_when_given_ok(struct task_struct *task, unsigned int resource, struct rlimit *limit)
{
	int err = 0;

	if (limit)
		err = security_task_setrlimit(task, resource, limit);
	if (!err) {
		if (limit)
			store_limit(task, resource, limit);
	}
	return err;
}

int limit_other_condition_bad(struct task_struct *task, unsigned int resource, struct rlimit *limit)
{
	int err = 0;

	if (resource > 3)
		err = security_task_setrlimit(task, resource, limit);
	if (!err) {
		if (limit)
			store_limit(task, resource, limit); /* expect: missing-check limit-store */
	}
	return err;
}

int truncate_when_asked_ok(struct thing *thing, int flags)
{
	if (flags & O_TRUNC) {
		int err = security_thing_truncate(thing);

		if (err)
			return err;
	}
	open_thing(thing, flags);
	return 0;
}

int truncate_other_flag_bad(struct thing *thing, int flags)
{
	if (flags & O_APPEND) {
		int err = security_thing_truncate(thing);

		if (err)
			return err;
	}
	open_thing(thing, flags); /* expect: missing-check thing-open-truncate */
	return 0;
}

/* A bit that was cleared is not set. */
int bit_cleared_ok(struct thing *thing, int flags)
{
	open_thing(thing, flags & ~O_TRUNC);
	return 0;
}

int truncation_refused_ok(struct thing *thing, int flags)
{
	if (flags & O_TRUNC)
		return -EINVAL;
	open_thing(thing, flags);
	return 0;
}

int constant_flags_ok(struct thing *thing)
{
	open_thing(thing, O_RDWR);
	return 0;
}

int constant_flags_bad(struct thing *thing)
{
	open_thing(thing, O_RDWR | O_TRUNC); /* expect: missing-check thing-open-truncate */
	return 0;
}

int same_test_twice_ok(struct thing *thing, int writing)
{
	if (writing) {
		if (security_thing(thing))
			return -EACCES;
	}
	note_event(5);
	if (writing)
		controlled_op(thing);
	return 0;
}

int opposite_test_bad(struct thing *thing, int writing)
{
	if (writing) {
		if (security_thing(thing))
			return -EACCES;
	}
	note_event(5);
	if (!writing)
		controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int condition_changed_bad(struct thing *thing, int writing, int more)
{
	if (writing) {
		if (security_thing(thing))
			return -EACCES;
	}
	writing = more;
	if (writing)
		controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int flag_variable_ok(struct thing *thing, int mode)
{
	bool allowed = false;

	if (mode == 1)
		allowed = security_thing(thing) == 0;
	if (!allowed)
		return -EACCES;
	controlled_op(thing);
	return 0;
}

int flag_variable_bad(struct thing *thing, int mode)
{
	bool allowed = true;

	if (mode == 1)
		allowed = security_thing(thing) == 0;
	if (!allowed)
		return -EACCES;
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int null_guard_ok(struct thing *thing, int mode)
{
	struct thing *target = NULL;

	if (mode == 2 && security_thing(thing) == 0)
		target = thing;
	if (target)
		controlled_op(target);
	return 0;
}

int null_guard_bad(struct thing *thing, struct thing *other, int mode)
{
	struct thing *target = other;

	if (mode == 2 && security_thing(thing) == 0)
		target = thing;
	if (target)
		controlled_op(target); /* expect: missing-check thing-use */
	return 0;
}

int bits_of_one_word_ok(struct thing *thing, unsigned int flags)
{
	if ((flags & 3) == 0)
		return 0;
	if (flags & 3) {
		if (security_thing(thing))
			return -EACCES;
	}
	controlled_op(thing);
	return 0;
}

/* Two variables that always change together: the implication is lost with the second one. */
int FP_correlated_variables_ok(struct thing *thing, int mode)
{
	int checked = 0;
	int wanted = 0;

	if (mode > 4)
		wanted = mode * 2;
	if (mode > 4 && security_thing(thing))
		return -EACCES;
	checked = wanted / 2 - 4;
	if (checked > 0)
		controlled_op(thing);
	return 0;
}
