/* The same operation through several doors: the unchecked one is reported, the others are its protected siblings. */
#include "../kernel.h"

static void apply(struct thing *thing, int state)
{
	thing->state = state;
	controlled_op(thing);
}

long __do_sys_thing_set(struct thing *thing, int state)
{
	int err = security_thing(thing);

	if (err)
		return err;
	apply(thing, state);
	return 0;
}

long __do_compat_sys_thing_set(struct thing *thing, int state)
{
	apply(thing, state); /* expect: missing-check thing-use */
	return 0;
}

long __do_sys_thing_touch(int id)
{
	struct thing *thing = find_thing(id);
	int err;

	if (!thing)
		return -ENOENT;
	err = security_thing(thing);
	if (!err)
		controlled_op(thing);
	put_thing(thing);
	return err;
}

long __do_sys_thing_poke(int id)
{
	struct thing *thing = find_thing(id);

	if (!thing)
		return -ENOENT;
	controlled_op(thing); /* expect: missing-check thing-use */
	put_thing(thing);
	return 0;
}

/* Not a door and called by nobody: a static function without callers is dead code. */
static int never_called(struct thing *thing)
{
	controlled_op(thing);
	return 0;
}

