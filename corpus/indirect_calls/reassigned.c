/* A function pointer that comes from a parameter or, where that is none, from a table. */
#include "../kernel.h"

struct opener {
	int (*open)(struct thing *thing);
};

static int given_bad(struct thing *thing)
{
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

static int listed_bad(struct thing *thing)
{
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

static int listed_ok(struct thing *thing)
{
	int err = security_thing(thing);

	if (!err)
		controlled_op(thing);
	return err;
}

static const struct opener loose = { .open = listed_bad };
static const struct opener strict = { .open = listed_ok };

static int open_with(const struct opener *table, int (*open)(struct thing *thing), struct thing *thing)
{
	if (!open)
		open = table->open;
	return open(thing);
}

long sys_open_given(struct thing *thing)
{
	return open_with(&strict, given_bad, thing);
}

long sys_open_listed(int tight, struct thing *thing)
{
	return open_with(tight ? &strict : &loose, 0, thing);
}
