/* A caller asks whether an entry has the function at all; entries also carry numbers. */
#include "../kernel.h"

struct option_operations {
	int family;
	int (*set)(struct thing *thing);
	int (*reset)(struct thing *thing);
};

static int set_bad(struct thing *thing)
{
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

static int set_ok(struct thing *thing)
{
	int err = security_thing(thing);

	if (!err)
		controlled_op(thing);
	return err;
}

static int reset_bad(struct thing *thing)
{
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

static const struct option_operations near = { .family = 2, .set = set_bad, .reset = reset_bad };
static const struct option_operations distant = { .family = 10, .set = set_ok };

long sys_set_option(const struct option_operations *ops, struct thing *thing)
{
	if (!ops->set)
		return -EINVAL;
	return ops->set(thing);
}

long sys_reset_option(const struct option_operations *ops, struct thing *thing)
{
	if (ops->set && ops->reset)
		return ops->reset(thing);
	return -EINVAL;
}
