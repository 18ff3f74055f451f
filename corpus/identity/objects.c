/* Facts belong to objects: copies and projections keep identity, assignments end it. */
#include "../kernel.h"

int copy_of_pointer_ok(struct thing *thing)
{
	struct thing *same = thing;
	int err = security_thing(thing);

	if (err)
		return err;
	controlled_op(same);
	return 0;
}

int other_parameter_bad(struct thing *first, struct thing *second)
{
	int err = security_thing(first);

	if (err)
		return err;
	controlled_op(second); /* expect: wrong-object thing-use */
	return 0;
}

int member_of_checked_bad(struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		return err;
	controlled_op(thing->parent); /* expect: wrong-object thing-use */
	return 0;
}

int same_member_ok(struct thing *thing)
{
	int err = security_thing(thing->parent);

	if (err)
		return err;
	controlled_op(thing->parent);
	return 0;
}

int member_reassigned_bad(struct thing *thing, struct thing *other)
{
	int err = security_thing(thing->parent);

	if (err)
		return err;
	thing->parent = other;
	controlled_op(thing->parent); /* expect: wrong-object thing-use */
	return 0;
}

int pointer_reassigned_bad(struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		return err;
	thing = thing->next;
	controlled_op(thing); /* expect: wrong-object thing-use */
	return 0;
}

int reassigned_then_checked_ok(struct thing *thing)
{
	int err;

	thing = thing->next;
	err = security_thing(thing);
	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int unrelated_member_ok(struct thing *thing)
{
	int err = security_thing(thing->parent);

	if (err)
		return err;
	thing->state = 2;
	controlled_op(thing->parent);
	return 0;
}

int kept_before_reassignment_ok(struct thing *thing, struct thing *other)
{
	struct thing *parent = thing->parent;
	int err = security_thing(parent);

	if (err)
		return err;
	thing->parent = other;
	controlled_op(parent);
	return 0;
}

int both_of_pair_ok(struct thing *from, struct thing *to)
{
	int err = security_thing_pair(from, to);

	if (err)
		return err;
	controlled_pair(from, to);
	return 0;
}

int pair_exchanged_bad(struct thing *from, struct thing *to)
{
	int err = security_thing_pair(to, from);

	if (err)
		return err;
	controlled_pair(from, to); /* expect: wrong-object thing-pair */
	return 0;
}

int first_given_twice_bad(struct thing *from, struct thing *to)
{
	int err = security_thing_pair(from, from);

	if (err)
		return err;
	controlled_pair(from, to); /* expect: wrong-object thing-pair */
	return 0;
}

int null_object_bad(struct thing *thing)
{
	int err = security_thing(NULL);

	if (err)
		return err;
	controlled_op(thing); /* expect: wrong-object thing-use */
	return 0;
}

int one_of_two_uses_bad(struct thing *first, struct thing *second)
{
	int err = security_thing(first);

	if (err)
		return err;
	controlled_op(first);
	controlled_op(second); /* expect: wrong-object thing-use */
	return 0;
}

int chosen_then_checked_ok(struct thing *first, struct thing *second, int which)
{
	struct thing *thing = which ? first : second;
	int err = security_thing(thing);

	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int checked_then_chosen_bad(struct thing *first, struct thing *second, int which)
{
	int err = security_thing(first);

	if (err)
		return err;
	controlled_op(which ? first : second); /* expect: wrong-object thing-use */
	return 0;
}
