/* One that checks says something of few others, and less of them. */
#include "../kernel.h"

struct valve {
	int open;
	int locked;
};

struct valve_ops {
	int (*turn)(struct valve *valve, int open);
	int (*lock)(struct valve *valve);
};

int __do_sys_valve(struct valve *valve, const struct valve_ops *ops, int open)
{
	int err = ops->turn(valve, open);

	return err ? err : ops->lock(valve);
}

static int big_turn_ok(struct valve *valve, int open)
{
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	valve->open = open;
	return 0;
}

static int small_turn_bad(struct valve *valve, int open) /* expect: missing-check slot-sibling:valve_ops.turn */
{
	valve->open = open;
	return 0;
}

static int tiny_turn_bad(struct valve *valve, int open) /* expect: missing-check slot-sibling:valve_ops.turn */
{
	valve->open = !open;
	return 0;
}

/* The valve that needs no right belongs to whoever made it; the oracle knows nothing of owners. */
static int big_lock_ok(struct valve *valve)
{
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	valve->locked = 1;
	return 0;
}

static int FP_own_lock_ok(struct valve *valve)
{
	if (valve->open)
		return -EINVAL;
	valve->locked = 1;
	return 0;
}

static int FP_new_lock_ok(struct valve *valve)
{
	valve->locked = 2;
	return 0;
}

const struct valve_ops big_valve = { .turn = big_turn_ok, .lock = big_lock_ok };
const struct valve_ops small_valve = { .turn = small_turn_bad, .lock = FP_own_lock_ok };
const struct valve_ops tiny_valve = { .turn = tiny_turn_bad, .lock = FP_new_lock_ok };
