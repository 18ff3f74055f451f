/* Results of several checks merged into one before the test. */
#include "../kernel.h"

int or_of_two_ok(struct thing *first, struct thing *second)
{
	int err = security_thing(first);

	err |= security_thing(second);
	if (err)
		return err;
	controlled_op(first);
	controlled_op(second);
	return 0;
}

int and_of_two_bad(struct thing *first, struct thing *second)
{
	int err = security_thing(first);

	err &= security_thing(second);
	if (err)
		return err;
	controlled_op(first); /* expect: ignored-result thing-use */
	return 0;
}

int logical_or_ok(struct thing *first, struct thing *second)
{
	if (security_thing(first) || security_thing(second))
		return -EACCES;
	controlled_op(first);
	controlled_op(second);
	return 0;
}

int logical_and_bad(struct thing *first, struct thing *second)
{
	if (security_thing(first) && security_thing(second))
		return -EACCES;
	controlled_op(second); /* expect: wrong-object thing-use */
	return 0;
}

/* Sums of truth values: that none of them can be negative is not known, so 0 may come from 1 - 1. */
int FP_counted_denials_ok(struct thing *thing)
{
	int denied = 0;

	denied += security_thing(thing) != 0;
	denied += security_thing(thing->parent) != 0;
	if (denied)
		return -EACCES;
	controlled_op(thing);
	return 0;
}

int joined_paths_ok(struct thing *thing, int how)
{
	int err;

	if (how == 1)
		err = security_thing(thing);
	else
		err = -EINVAL;
	if (err == 0)
		controlled_op(thing);
	return err;
}

int either_result_bad(struct thing *first, struct thing *second)
{
	int err = security_thing(first);

	if (err)
		err = security_thing(second);
	if (err)
		return err;
	controlled_op(first); /* expect: wrong-object thing-use */
	return 0;
}

int nested_conditional_ok(struct thing *first, struct thing *second)
{
	int err = security_thing(first) ? -EPERM : security_thing(second);

	if (err)
		return err;
	controlled_op(first);
	controlled_op(second);
	return 0;
}

int result_of_many_ok(struct thing *first, struct thing *second, const char *text)
{
	int err;

	err = parse_request(text);
	if (!err)
		err = security_thing(first);
	if (!err)
		err = security_thing(second);
	if (!err)
		err = security_thing_pair(first, second);
	if (err)
		goto out;
	controlled_op(first);
	controlled_op(second);
	controlled_pair(first, second);
out:
	return err;
}
