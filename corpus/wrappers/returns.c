/* Functions that guarantee a check on some outcome are found by themselves. */
#include "../kernel.h"

static int may_use(struct thing *thing)
{
	int err;

	if (!thing)
		return -ENOENT;
	err = security_thing(thing);
	if (err)
		return err;
	return 0;
}

int through_wrapper_ok(struct thing *thing)
{
	int err = may_use(thing);

	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int wrapper_result_ignored_bad(struct thing *thing)
{
	may_use(thing);
	controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}

int wrapper_other_object_bad(struct thing *thing, struct thing *other)
{
	int err = may_use(other);

	if (err)
		return err;
	controlled_op(thing); /* expect: wrong-object thing-use */
	return 0;
}

static bool use_allowed(struct thing *thing)
{
	return security_thing(thing) == 0;
}

int bool_wrapper_ok(struct thing *thing)
{
	if (!use_allowed(thing))
		return -EACCES;
	controlled_op(thing);
	return 0;
}

int bool_wrapper_bad(struct thing *thing)
{
	if (use_allowed(thing))
		return -EACCES;
	controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}

static bool use_denied(struct thing *thing)
{
	if (security_thing(thing))
		return true;
	return false;
}

int deny_wrapper_ok(struct thing *thing)
{
	if (use_denied(thing))
		return -EACCES;
	controlled_op(thing);
	return 0;
}

static struct thing *get_checked(int id)
{
	struct thing *thing = find_thing(id);

	if (!thing)
		return NULL;
	if (security_thing(thing)) {
		put_thing(thing);
		return NULL;
	}
	return thing;
}

int returned_object_ok(int id)
{
	struct thing *thing = get_checked(id);

	if (!thing)
		return -ENOENT;
	controlled_op(thing);
	put_thing(thing);
	return 0;
}

static struct thing *get_or_error(int id)
{
	struct thing *thing = find_thing(id);
	int err;

	if (!thing)
		return ERR_PTR(-ENOENT);
	err = security_thing(thing);
	if (err) {
		put_thing(thing);
		return ERR_PTR(err);
	}
	return thing;
}

int error_pointer_ok(int id)
{
	struct thing *thing = get_or_error(id);

	if (IS_ERR(thing))
		return PTR_ERR(thing);
	controlled_op(thing);
	put_thing(thing);
	return 0;
}

static int checks_half_of_it(struct thing *thing)
{
	if (thing->kind == 7)
		return 0;
	return security_thing(thing);
}

int bypass_in_wrapper_bad(struct thing *thing)
{
	int err = checks_half_of_it(thing);

	if (err)
		return err;
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

static int innermost(struct thing *thing)
{
	return security_thing(thing);
}

static int middle(struct thing *thing, int mode)
{
	if (mode > 3)
		return -EINVAL;
	return innermost(thing);
}

static int outermost(int mode, struct thing *thing)
{
	int err = middle(thing, mode);

	note_event(err);
	return err;
}

int three_levels_ok(struct thing *thing)
{
	int err = outermost(1, thing);

	if (err < 0)
		return err;
	controlled_op(thing);
	return 0;
}

static int checks_the_parent(struct thing *thing)
{
	return security_thing(thing->parent);
}

int wrapper_of_member_ok(struct thing *thing)
{
	int err = checks_the_parent(thing);

	if (err)
		return err;
	controlled_op(thing->parent);
	return 0;
}

int wrapper_of_member_bad(struct thing *thing)
{
	int err = checks_the_parent(thing);

	if (err)
		return err;
	controlled_op(thing); /* expect: wrong-object thing-use */
	return 0;
}

static int swallows_the_error(struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		note_event(err);
	return 0;
}

/* Said to lack the check: a wrapper that drops the answer leaves no trace of having asked. */
int FN_swallowed_bad(struct thing *thing)
{
	int err = swallows_the_error(thing);

	if (err)
		return err;
	controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}
