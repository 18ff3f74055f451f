/* What stands behind a slot is reached from its callers, with the facts of the call. */
#include "../kernel.h"

struct engine {
	struct thing *thing;
	const struct engine_operations *ops;
};

struct engine_operations {
	int (*guarded)(struct engine *engine, struct thing *thing);
	int (*open_to_all)(struct engine *engine, struct thing *thing);
	int (*check)(struct engine *engine, struct thing *thing);
};

static int guarded_impl(struct engine *engine, struct thing *thing)
{
	controlled_op(thing);
	return 0;
}

static int open_impl(struct engine *engine, struct thing *thing)
{
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

static int check_impl(struct engine *engine, struct thing *thing)
{
	return security_thing(thing);
}

static const struct engine_operations steam_operations = {
	.guarded = guarded_impl,
	.open_to_all = open_impl,
	.check = check_impl,
};

int call_guarded_ok(struct engine *engine, struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		return err;
	return engine->ops->guarded(engine, thing);
}

int call_unguarded_bad(struct engine *engine, struct thing *thing)
{
	return engine->ops->open_to_all(engine, thing);
}

/* What the only function of a slot guarantees does not reach calls through the slot. */
int FP_check_behind_slot_ok(struct engine *engine, struct thing *thing)
{
	/* The only implementation of the slot guarantees the check. */
	int err = engine->ops->check(engine, thing);

	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int make_steam_ok(struct engine *engine)
{
	engine->ops = &steam_operations;
	return 0;
}

/* A slot filled at run time by assignment. */

struct hook_point {
	int (*run)(struct thing *thing);
};

static int run_checked(struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

static int run_unchecked(struct thing *thing)
{
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

static struct hook_point safe_point;
static struct hook_point loose_point;

int set_points_ok(void)
{
	safe_point.run = run_checked;
	loose_point.run = run_unchecked;
	return 0;
}

int run_point_bad(struct hook_point *point, struct thing *thing)
{
	return point->run(thing);
}

/* One implementation checks, the other does not: the slot guarantees nothing. */

struct gate_operations {
	int (*may_pass)(struct thing *thing);
};

static int strict_gate(struct thing *thing)
{
	return security_thing(thing);
}

static int broken_gate(struct thing *thing)
{
	return thing->state == 9 ? -EBUSY : 0;
}

const struct gate_operations strict_operations = { .may_pass = strict_gate };
const struct gate_operations broken_operations = { .may_pass = broken_gate };

int pass_gate_bad(const struct gate_operations *gate, struct thing *thing)
{
	int err = gate->may_pass(thing);

	if (err)
		return err;
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}
