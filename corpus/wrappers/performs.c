/* Functions that perform the operation leave the requirement to their callers. */
#include "../kernel.h"

static void do_use(struct thing *thing)
{
	note_event(2);
	controlled_op(thing);
}

int caller_checks_ok(struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		return err;
	do_use(thing);
	return 0;
}

int caller_forgets_bad(struct thing *thing)
{
	do_use(thing); /* expect: missing-check thing-use */
	return 0;
}

static void do_use_parent(struct thing *thing)
{
	controlled_op(thing->parent);
}

int caller_checks_projection_ok(struct thing *thing)
{
	int err = security_thing(thing->parent);

	if (err)
		return err;
	do_use_parent(thing);
	return 0;
}

int caller_checks_whole_bad(struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		return err;
	do_use_parent(thing); /* expect: wrong-object thing-use */
	return 0;
}

static int walk_chain(struct thing *thing, int depth)
{
	int err;

	if (depth == 0 || !thing)
		return 0;
	err = security_thing(thing);
	if (err)
		return err;
	controlled_op(thing);
	return walk_chain(thing->next, depth - 1);
}

int recursion_ok(struct thing *thing)
{
	return walk_chain(thing, 8);
}

/* Each turn of a recursion counts as checked once its first object is. */
static int FN_walk_unchecked(struct thing *thing, int depth)
{
	if (depth == 0 || !thing)
		return 0;
	controlled_op(thing);
	return FN_walk_unchecked(thing->next, depth - 1); /* expect: wrong-object thing-use */
}

int recursion_bad(struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		return err;
	return FN_walk_unchecked(thing, 8);
}

static int check_and_use(struct thing *thing)
{
	int err = security_thing(thing);

	if (!err)
		controlled_op(thing);
	return err;
}

int all_inside_ok(struct thing *thing)
{
	return check_and_use(thing);
}

static void use_if_asked(struct thing *thing, int really)
{
	if (really)
		controlled_op(thing); /* expect: missing-check thing-use */
}

int never_asked_ok(struct thing *thing)
{
	use_if_asked(thing, 0);
	return 0;
}

int always_asked_bad(struct thing *thing)
{
	use_if_asked(thing, 1);
	return 0;
}
