/* Arguments changed on their way down, checks on one of several returns, and callers two levels up. */
#include "../kernel.h"

static int check_next_of(struct thing *thing)
{
	return security_thing(thing->next);
}

static int use_next_of(struct thing *thing)
{
	return controlled_status(thing->next);
}

int both_take_the_step_ok(struct thing *thing)
{
	int err = check_next_of(thing);

	return err ? err : use_next_of(thing);
}

int steps_differ_bad(struct thing *thing)
{
	int err = check_next_of(thing);

	return err ? err : use_next_of(thing->next); /* expect: wrong-object thing-status */
}

static int check_swapped(struct thing *a, struct thing *b)
{
	return security_thing_pair(b, a);
}

int swapped_back_ok(struct thing *from, struct thing *to)
{
	int err = check_swapped(to, from);

	if (err)
		return err;
	controlled_pair(from, to);
	return 0;
}

int swapped_once_bad(struct thing *from, struct thing *to)
{
	int err = check_swapped(from, to);

	if (err)
		return err;
	controlled_pair(from, to); /* expect: wrong-object thing-pair */
	return 0;
}

static int positive_means_allowed(struct thing *thing)
{
	if (thing->state < 0)
		return -EINVAL;
	if (security_thing(thing))
		return 0;
	return 1;
}

int positive_result_ok(struct thing *thing)
{
	if (positive_means_allowed(thing) > 0)
		controlled_op(thing);
	return 0;
}

int positive_result_bad(struct thing *thing)
{
	if (positive_means_allowed(thing) >= 0)
		controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}

static void lowest(struct thing *thing)
{
	controlled_op(thing);
}

static void lower(struct thing *thing)
{
	note_event(8);
	lowest(thing);
}

static void upper(struct thing *thing, int times)
{
	while (times-- > 0)
		lower(thing);
}

int four_levels_ok(struct thing *thing)
{
	if (security_thing(thing))
		return -EACCES;
	upper(thing, 2);
	return 0;
}

int four_levels_bad(struct thing *thing)
{
	upper(thing, 2); /* expect: missing-check thing-use */
	return 0;
}

static int begin(struct thing *thing, int *cookie)
{
	int err = security_thing(thing);

	if (err)
		return err;
	*cookie = 1;
	return 0;
}

int begin_and_use_ok(struct thing *thing)
{
	int cookie = 0;

	if (begin(thing, &cookie))
		return -EACCES;
	controlled_op(thing);
	return cookie;
}

static int even(struct thing *thing, int n);

static int odd(struct thing *thing, int n)
{
	return n == 0 ? -EINVAL : even(thing, n - 1);
}

static int even(struct thing *thing, int n)
{
	return n == 0 ? security_thing(thing) : odd(thing, n - 1);
}

/* Functions that call each other guarantee nothing to begin with, and so never do. */
int FP_mutual_recursion_ok(struct thing *thing)
{
	if (even(thing, 6))
		return -EACCES;
	controlled_op(thing);
	return 0;
}
