/* Loops: the check must stand in every turn for what that turn uses. */
#include "../kernel.h"

int each_turn_ok(struct thing *thing)
{
	for (; thing; thing = thing->next) {
		int err = security_thing(thing);

		if (err)
			return err;
		controlled_op(thing);
	}
	return 0;
}

int first_turn_only_bad(struct thing *first)
{
	struct thing *thing;

	for (thing = first; thing; thing = thing->next) {
		if (thing == first) {
			if (security_thing(thing))
				return -EACCES;
		}
		controlled_op(thing); /* expect: missing-check thing-use */
	}
	return 0;
}

int before_the_loop_bad(struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		return err;
	while (thing) {
		controlled_op(thing); /* expect: wrong-object thing-use */
		thing = thing->next;
	}
	return 0;
}

int same_object_in_loop_ok(struct thing *thing, int count)
{
	int err = security_thing(thing);

	if (err)
		return err;
	while (count-- > 0)
		controlled_op(thing);
	return 0;
}

int zero_turns_bad(struct thing *thing, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		if (security_thing(thing))
			return -EACCES;
	}
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int at_least_one_turn_ok(struct thing *thing, int count)
{
	do {
		if (security_thing(thing))
			return -EACCES;
	} while (--count > 0);
	controlled_op(thing);
	return 0;
}

int skipped_by_continue_bad(struct box *box)
{
	int i;

	for (i = 0; i < 8; i++) {
		struct thing *thing = box->slots[i];

		if (!thing)
			continue;
		if (thing->kind == 2)
			goto use;
		if (security_thing(thing))
			continue;
use:
		controlled_op(thing); /* expect: missing-check thing-use */
	}
	return 0;
}

int skipped_by_continue_ok(struct box *box)
{
	int i;

	for (i = 0; i < 8; i++) {
		struct thing *thing = box->slots[i];

		if (!thing || security_thing(thing))
			continue;
		controlled_op(thing);
	}
	return 0;
}

int broken_out_bad(struct thing *thing)
{
	int err = 0;

	while (thing->next) {
		err = security_thing(thing);
		if (err)
			break;
		thing = thing->next;
	}
	if (err)
		return err;
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int retried_ok(struct thing *thing)
{
	int err;

again:
	err = security_thing(thing);
	if (err == -EAGAIN)
		goto again;
	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int two_passes_ok(struct box *box)
{
	int i;

	for (i = 0; i < box->used; i++) {
		if (security_thing(box->slots[i]))
			return -EACCES;
	}
	for (i = 0; i < box->used; i++)
		controlled_op(box->slots[i]);
	return 0;
}
