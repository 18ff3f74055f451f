/* Implementations of one slot: what most of them check, the others are asked about. */
#include "../kernel.h"

struct heater {
	struct net *net;
	int degrees;
	int power;
};

struct heater_ops {
	int (*set)(struct heater *heater, int degrees);
	int (*tell)(struct heater *heater, int *degrees);
	int (*limit)(struct heater *heater, int degrees);
	int (*share)(struct heater *heater, struct net *net);
	int (*reset)(struct heater *heater, int degrees);
};

int __do_sys_heater(struct heater *heater, const struct heater_ops *ops, int degrees)
{
	int err = ops->set(heater, degrees);

	if (!err)
		err = ops->tell(heater, &degrees);
	if (!err)
		err = ops->limit(heater, degrees);
	if (!err)
		err = ops->share(heater, heater->net);
	return err;
}

static int oil_set_ok(struct heater *heater, int degrees)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	heater->degrees = degrees;
	return 0;
}

static int gas_set_ok(struct heater *heater, int degrees)
{
	int err = -EPERM;

	if (capable(CAP_SYS_ADMIN)) {
		heater->degrees = degrees;
		err = 0;
	}
	return err;
}

static int may_heat(void)
{
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/* Behind a wrapper it is the same check. */
static int wood_set_ok(struct heater *heater, int degrees)
{
	int err = may_heat();

	if (err)
		return err;
	heater->degrees = degrees;
	return 0;
}

static int coal_set_bad(struct heater *heater, int degrees) /* expect: missing-check slot-sibling:heater_ops.set */
{
	heater->degrees = degrees;
	return 0;
}

/* Another purpose: nothing that the others protect is touched. */
static int lamp_set_ok(struct heater *heater, int degrees)
{
	heater->power = degrees;
	return 0;
}

static int none_set_ok(struct heater *heater, int degrees)
{
	return -EINVAL;
}

/* Under a condition: whether it is the right one is no matter of numbers. */
static int sun_set_ok(struct heater *heater, int degrees)
{
	if (degrees > 90 && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	heater->degrees = degrees;
	return 0;
}

/* Nobody checks here, so nobody is asked. */
static int oil_tell_ok(struct heater *heater, int *degrees)
{
	*degrees = heater->degrees;
	return 0;
}

static int gas_tell_ok(struct heater *heater, int *degrees)
{
	*degrees = heater->degrees + 1;
	return 0;
}

/* Most ask in one way or another before they go on, one does not ask at all. */
static int oil_limit_ok(struct heater *heater, int degrees)
{
	if (degrees > 90 && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	heater->power = degrees;
	return 0;
}

static int gas_limit_ok(struct heater *heater, int degrees)
{
	if (degrees > 80 && !capable(CAP_SYS_RAWIO))
		return -EPERM;
	heater->power = degrees;
	return 0;
}

static int wood_limit_ok(struct heater *heater, int degrees)
{
	if (degrees > heater->power && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	heater->power = degrees;
	return 0;
}

static int coal_limit_bad(struct heater *heater, int degrees) /* expect: missing-check slot-sibling:heater_ops.limit */
{
	heater->power = degrees;
	return 0;
}

/* The namespace of the heater, and in one case that of somebody else. */
static int oil_share_ok(struct heater *heater, struct net *net)
{
	if (!ns_capable(heater->net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	heater->net = net;
	return 0;
}

static int gas_share_ok(struct heater *heater, struct net *net)
{
	struct user_namespace *owner = heater->net->user_ns;

	if (!ns_capable(owner, CAP_NET_ADMIN))
		return -EPERM;
	heater->net = net;
	return 0;
}

static int wood_share_ok(struct heater *heater, struct net *net)
{
	if (!ns_capable(heater->net->user_ns, CAP_NET_ADMIN) || !net)
		return -EPERM;
	heater->net = net;
	return 0;
}

static int coal_share_bad(struct heater *heater, struct net *net) /* expect: wrong-namespace slot-sibling:heater_ops.share */
{
	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	heater->net = net;
	return 0;
}

/* Whoever comes here has passed the check: that some ask again makes it no duty. */
int __do_sys_heater_reset(struct heater *heater, const struct heater_ops *ops)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return ops->reset(heater, 0);
}

static int oil_reset_ok(struct heater *heater, int degrees)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	heater->degrees = 0;
	return 0;
}

static int gas_reset_ok(struct heater *heater, int degrees)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	heater->degrees = 1;
	return 0;
}

static int wood_reset_ok(struct heater *heater, int degrees)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	heater->degrees = 2;
	return 0;
}

static int coal_reset_ok(struct heater *heater, int degrees)
{
	heater->degrees = 3;
	return 0;
}

const struct heater_ops oil_heater = {
	.set = oil_set_ok, .tell = oil_tell_ok, .limit = oil_limit_ok, .share = oil_share_ok, .reset = oil_reset_ok,
};
const struct heater_ops gas_heater = {
	.set = gas_set_ok, .tell = gas_tell_ok, .limit = gas_limit_ok, .share = gas_share_ok, .reset = gas_reset_ok,
};
const struct heater_ops wood_heater = {
	.set = wood_set_ok, .limit = wood_limit_ok, .share = wood_share_ok, .reset = wood_reset_ok,
};
const struct heater_ops coal_heater = {
	.set = coal_set_bad, .limit = coal_limit_bad, .share = coal_share_bad, .reset = coal_reset_ok,
};
const struct heater_ops lamp_heater = { .set = lamp_set_ok };
const struct heater_ops no_heater = { .set = none_set_ok };
const struct heater_ops sun_heater = { .set = sun_set_ok };
