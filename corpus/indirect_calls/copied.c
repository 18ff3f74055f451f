/* A table's function copied into another object is called from there. */
#include "../kernel.h"

struct receiver_config {
	int (*input)(struct thing *thing);
};

struct receiver {
	int (*receive)(struct thing *thing);
};

static int handle_bad(struct thing *thing)
{
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

static int handle_ok(struct thing *thing)
{
	int err = security_thing(thing);

	if (!err)
		controlled_op(thing);
	return err;
}

static const struct receiver_config loose = { .input = handle_bad };
static const struct receiver_config strict = { .input = handle_ok };

void register_receiver(struct receiver *receiver, int want_strict)
{
	const struct receiver_config *config = want_strict ? &strict : &loose;

	receiver->receive = config->input;
}

long sys_deliver(struct receiver *receiver, struct thing *thing)
{
	return receiver->receive(thing);
}

/* A slot that another function fills, through the pointer to the slot that it is handed. */
struct notifier {
	int (*notify)(struct thing *thing);
	int (*saved)(struct thing *thing);
	int (*other)(struct thing *thing);
};

static int notify_bad(struct thing *thing)
{
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

static int saved_bad(struct thing *thing)
{
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

static void replace(int (**slot)(struct thing *thing), int (*fresh)(struct thing *thing), int (**old)(struct thing *thing))
{
	*old = *slot;
	*slot = fresh;
}

void listen(struct notifier *notifier)
{
	notifier->notify = saved_bad;
	replace(&notifier->notify, notify_bad, &notifier->saved);
}

long sys_notify(struct notifier *notifier, struct thing *thing)
{
	return notifier->notify(thing);
}

long sys_notify_saved(struct notifier *notifier, struct thing *thing)
{
	return notifier->saved(thing);
}
