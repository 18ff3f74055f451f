/* Calls through operations tables: the slot call is the operation, and it reaches every implementation. */
#include "../kernel.h"

int slot_call_ok(struct gadget *gadget)
{
	int err = security_gadget(gadget);

	if (err)
		return err;
	return gadget->ops->start(gadget);
}

int slot_call_bad(struct gadget *gadget)
{
	if (!gadget->ops->start)
		return -EOPNOTSUPP;
	return gadget->ops->start(gadget); /* expect: missing-check gadget-start */
}

int slot_in_variable_ok(struct gadget *gadget)
{
	const struct gadget_operations *ops = gadget->ops;

	if (security_gadget(gadget))
		return -EACCES;
	return ops->start(gadget);
}

int slot_in_variable_bad(struct gadget *gadget)
{
	int (*start)(struct gadget *) = gadget->ops->start;

	if (!start)
		return -EOPNOTSUPP;
	return start(gadget); /* expect: missing-check gadget-start */
}

int slot_other_gadget_bad(struct gadget *gadget, struct gadget *other)
{
	if (security_gadget(other))
		return -EACCES;
	return gadget->ops->start(gadget); /* expect: wrong-object gadget-start */
}
