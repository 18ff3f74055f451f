/* The step of a name that a check spoke of is changed by another name, by a helper, or as part of a whole. */
#include "../kernel.h"

static struct thing *favourite;

struct holder {
	struct thing own;
};

int alias_store_bad(struct thing *thing, struct thing *other)
{
	struct thing **step = &thing->parent;
	int err = security_thing(thing->parent);

	if (err)
		return err;
	*step = other;
	controlled_op(thing->parent); /* expect: wrong-object thing-use */
	return 0;
}

static void adopt(struct thing *thing, struct thing *parent)
{
	thing->parent = parent;
}

/* What a called function stores through a pointer does not end a fact about the member. */
int FN_changed_by_helper_bad(struct thing *thing, struct thing *other)
{
	int err = security_thing(thing->parent);

	if (err)
		return err;
	adopt(thing, other);
	controlled_op(thing->parent); /* expect: wrong-object thing-use */
	return 0;
}

/* That the helper stored this very object is not known to its caller. */
int FP_stored_by_helper_ok(struct thing *thing, struct thing *other)
{
	int err;

	adopt(thing, other);
	err = security_thing(thing->parent);
	if (err)
		return err;
	controlled_op(other);
	return 0;
}

int whole_struct_replaced_bad(struct thing *thing, const struct thing *image)
{
	int err = security_thing(thing->parent);

	if (err)
		return err;
	*thing = *image;
	controlled_op(thing->parent); /* expect: wrong-object thing-use */
	return 0;
}

int replaced_by_variable_bad(struct thing *thing, struct thing *other)
{
	struct thing image = { .parent = other };
	int err = security_thing(thing->parent);

	if (err)
		return err;
	*thing = image;
	controlled_op(thing->parent); /* expect: wrong-object thing-use */
	return 0;
}

int replaced_by_argument_bad(struct thing *thing, struct thing image)
{
	int err = security_thing(thing->parent);

	if (err)
		return err;
	*thing = image;
	controlled_op(thing->parent); /* expect: wrong-object thing-use */
	return 0;
}

int replaced_by_member_bad(struct thing *thing, const struct holder *holder)
{
	int err = security_thing(thing->parent);

	if (err)
		return err;
	*thing = holder->own;
	controlled_op(thing->parent); /* expect: wrong-object thing-use */
	return 0;
}

struct thing image_of(struct thing *other);

int replaced_by_result_bad(struct thing *thing, struct thing *other)
{
	int err = security_thing(thing->parent);

	if (err)
		return err;
	*thing = image_of(other);
	controlled_op(thing->parent); /* expect: wrong-object thing-use */
	return 0;
}

/* Distinct parameters are taken to be distinct objects: an assumption, and here a wrong one. */
int FN_possible_alias_bad(struct thing *thing, struct thing *maybe_same, struct thing *other)
{
	int err = security_thing(thing->parent);

	if (err)
		return err;
	maybe_same->parent = other;
	controlled_op(thing->parent); /* expect: wrong-object thing-use */
	return 0;
}

int known_different_ok(struct thing *thing, struct thing *other)
{
	struct thing local = { .id = 3 };
	int err = security_thing(thing->parent);

	if (err)
		return err;
	local.parent = other;
	log_thing(&local);
	controlled_op(thing->parent);
	return 0;
}

int other_field_of_alias_ok(struct thing *thing, struct thing *maybe_same)
{
	int err = security_thing(thing->parent);

	if (err)
		return err;
	maybe_same->next = NULL;
	controlled_op(thing->parent);
	return 0;
}

int global_object_ok(void)
{
	int err = security_thing(favourite);

	if (err)
		return err;
	controlled_op(favourite);
	return 0;
}

int global_object_bad(struct thing *other)
{
	int err = security_thing(favourite);

	if (err)
		return err;
	favourite = other;
	controlled_op(favourite); /* expect: wrong-object thing-use */
	return 0;
}

static void choose_favourite(struct thing *thing)
{
	favourite = thing;
}

/* What a called function stores in a global does not end a fact about it. */
int FN_global_in_helper_bad(struct thing *other)
{
	int err = security_thing(favourite);

	if (err)
		return err;
	choose_favourite(other);
	controlled_op(favourite); /* expect: wrong-object thing-use */
	return 0;
}
