/* All members are checked in one walk before a second walk over the same collection changes them. */
#include "../kernel.h"

int chain_twice_ok(struct thing *first)
{
	struct thing *thing;

	for (thing = first; thing; thing = thing->next) {
		if (security_thing(thing))
			return -EACCES;
	}
	for (thing = first; thing; thing = thing->next)
		controlled_op(thing);
	return 0;
}

/* The failing check leaves with an error that is kept; other names are used the second time. */
int chain_with_other_names_ok(struct thing *first)
{
	struct thing *one, *two;
	int err = 0;

	for (one = first; one; one = one->next) {
		err = security_thing(one);
		if (err)
			goto out;
	}
	for (two = first; two; two = two->next)
		controlled_op(two);
out:
	note_event(err);
	return err;
}

int under_one_lock_ok(struct box *box)
{
	int err = -EACCES;
	int i;

	mutex_lock(&box->lock);
	for (i = 0; i < box->used; i++) {
		if (security_thing(box->slots[i]))
			goto out;
	}
	for (i = 0; i < box->used; i++)
		controlled_op(box->slots[i]);
	err = 0;
out:
	mutex_unlock(&box->lock);
	return err;
}

/* Members of members: both walks go down the same way. */
int chains_of_boxes_ok(struct box *box, int count)
{
	struct thing *thing;
	int i;

	for (i = 0; i < count; i++) {
		for (thing = box->slots[i]; thing; thing = thing->next) {
			if (security_thing(thing))
				return -EACCES;
		}
	}
	for (i = 0; i < count; i++) {
		for (thing = box->slots[i]; thing; thing = thing->next)
			controlled_op(thing);
	}
	return 0;
}

/* An empty collection is passed over before either walk. */
int perhaps_empty_ok(struct box *box)
{
	struct thing *thing;

	if (box->spare) {
		for (thing = box->spare->next; thing; thing = thing->next) {
			if (security_thing(thing))
				return -EACCES;
		}
	}
	if (box->spare) {
		for (thing = box->spare->next; thing; thing = thing->next)
			controlled_op(thing);
	}
	return 0;
}

int other_box_bad(struct box *box, struct box *other)
{
	struct thing *thing;

	if (box->spare) {
		for (thing = box->spare->next; thing; thing = thing->next) {
			if (security_thing(thing))
				return -EACCES;
		}
	}
	if (other->spare) {
		for (thing = other->spare->next; thing; thing = thing->next)
			controlled_op(thing); /* expect: missing-check thing-use */
	}
	return 0;
}

/* What the second walk does may fail, and end it. */
int second_walk_ends_early_ok(struct thing *first)
{
	struct thing *thing;

	for (thing = first; thing; thing = thing->next) {
		if (security_thing(thing))
			return -EACCES;
	}
	for (thing = first; thing; thing = thing->next) {
		if (controlled_status(thing))
			return -EINVAL;
	}
	return 0;
}

int other_chain_bad(struct thing *first, struct thing *others)
{
	struct thing *thing;

	for (thing = first; thing; thing = thing->next) {
		if (security_thing(thing))
			return -EACCES;
	}
	for (thing = others; thing; thing = thing->next)
		controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int longer_second_time_bad(struct box *box, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		if (security_thing(box->slots[i]))
			return -EACCES;
	}
	for (i = 0; i < box->used; i++)
		controlled_op(box->slots[i]); /* expect: missing-check thing-use */
	return 0;
}

int other_way_along_bad(struct thing *first)
{
	struct thing *thing;

	for (thing = first; thing; thing = thing->next) {
		if (security_thing(thing))
			return -EACCES;
	}
	for (thing = first; thing; thing = thing->parent)
		controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int first_walk_breaks_off_bad(struct thing *first)
{
	struct thing *thing;

	for (thing = first; thing; thing = thing->next) {
		if (security_thing(thing))
			break;
	}
	for (thing = first; thing; thing = thing->next)
		controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int first_walk_is_bounded_bad(struct thing *first)
{
	struct thing *thing;
	int left = 8;

	for (thing = first; thing; thing = thing->next) {
		if (left-- == 0)
			break;
		if (security_thing(thing))
			return -EACCES;
	}
	for (thing = first; thing; thing = thing->next)
		controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int some_members_skipped_bad(struct thing *first)
{
	struct thing *thing;

	for (thing = first; thing; thing = thing->next) {
		if (thing->kind == 2)
			continue;
		if (security_thing(thing))
			return -EACCES;
	}
	for (thing = first; thing; thing = thing->next)
		controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int denial_goes_on_bad(struct thing *first)
{
	struct thing *thing;
	int err = 0;

	for (thing = first; thing; thing = thing->next) {
		err = security_thing(thing);
		if (err)
			note_event(err);
	}
	for (thing = first; thing; thing = thing->next)
		controlled_op(thing); /* expect: missing-check thing-use */
	return err;
}

int unlocked_between_bad(struct box *box)
{
	int i;

	mutex_lock(&box->lock);
	for (i = 0; i < box->used; i++) {
		if (security_thing(box->slots[i])) {
			mutex_unlock(&box->lock);
			return -EACCES;
		}
	}
	mutex_unlock(&box->lock);
	mutex_lock(&box->lock);
	for (i = 0; i < box->used; i++)
		controlled_op(box->slots[i]); /* expect: missing-check thing-use */
	mutex_unlock(&box->lock);
	return 0;
}

int unlocked_on_the_way_bad(struct box *box)
{
	int i;

	mutex_lock(&box->lock);
	for (i = 0; i < box->used; i++) {
		if (security_thing(box->slots[i])) {
			mutex_unlock(&box->lock);
			return -EACCES;
		}
	}
	for (i = 0; i < box->used; i++) {
		controlled_op(box->slots[i]); /* expect: missing-check thing-use */
		mutex_unlock(&box->lock);
		mutex_lock(&box->lock);
	}
	mutex_unlock(&box->lock);
	return 0;
}

int members_exchanged_bad(struct box *box, struct thing *other)
{
	int i;

	for (i = 0; i < box->used; i++) {
		if (security_thing(box->slots[i]))
			return -EACCES;
	}
	for (i = 0; i < box->used; i++) {
		box->slots[i] = other;
		controlled_op(box->slots[i]); /* expect: missing-check thing-use */
	}
	return 0;
}

int chain_turned_bad(struct thing *first, struct thing *other)
{
	struct thing *thing;

	for (thing = first; thing; thing = thing->next) {
		if (security_thing(thing))
			return -EACCES;
	}
	for (thing = first; thing; thing = thing->next) {
		controlled_op(thing); /* expect: missing-check thing-use */
		thing->next = other;
	}
	return 0;
}

int counter_moved_bad(struct box *box)
{
	int i;

	for (i = 0; i < box->used; i++) {
		if (security_thing(box->slots[i]))
			return -EACCES;
	}
	for (i = 0; i < box->used; i++) {
		i = i + 2;
		controlled_op(box->slots[i]); /* expect: missing-check thing-use */
	}
	return 0;
}

int other_member_of_the_turn_bad(struct thing *first)
{
	struct thing *thing;

	for (thing = first; thing; thing = thing->next) {
		if (security_thing(thing))
			return -EACCES;
	}
	for (thing = first; thing; thing = thing->next)
		controlled_op(thing->parent); /* expect: wrong-object thing-use */
	return 0;
}
