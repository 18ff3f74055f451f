/* What was found out of a member holds until a call that may store to it. */
#include "../kernel.h"

struct crate {
	struct thing *thing;
	int (*fill)(struct crate *crate);
	int ready;
};

static int fill_crate(struct crate *crate)
{
	crate->ready = 1;
	return 0;
}

static void look_at_crate(struct crate *crate)
{
	if (crate->ready < 0)
		crate->thing = 0;
}

int filled_by_call_bad(struct crate *crate)
{
	if (crate->ready)
		return -EBUSY;
	fill_crate(crate);
	if (crate->ready)
		controlled_op(crate->thing); /* expect: missing-check thing-use */
	return 0;
}

int filled_by_slot_bad(struct crate *crate)
{
	crate->fill = fill_crate;
	if (crate->ready)
		return -EBUSY;
	crate->fill(crate);
	if (crate->ready)
		controlled_op(crate->thing); /* expect: missing-check thing-use */
	return 0;
}

int untouched_by_call_ok(struct crate *crate)
{
	int err = 0;

	if (crate->ready)
		err = security_thing(crate->thing);
	if (err)
		return err;
	look_at_crate(crate);
	if (crate->ready)
		controlled_op(crate->thing);
	return 0;
}
