/* Members that a rule lists are controlled operations; others are not, and reads that only decide the check never. */
#include "../kernel.h"

int level_checked_ok(struct gadget *gadget, int level)
{
	int err = security_gadget(gadget);

	if (err)
		return err;
	gadget->level = level;
	return 0;
}

int level_unchecked_bad(struct gadget *gadget, int level)
{
	if (level < 0)
		return -EINVAL;
	gadget->level = level; /* expect: missing-check gadget-set-level */
	return 0;
}

int level_read_ok(struct gadget *gadget)
{
	/* The rule speaks of writes. */
	return gadget->level;
}

int level_added_bad(struct gadget *gadget)
{
	gadget->level += 2; /* expect: missing-check gadget-set-level */
	return 0;
}

int other_member_ok(struct gadget *gadget)
{
	gadget->users = gadget->users + 1;
	return 0;
}

int secret_read_bad(struct gadget *gadget)
{
	return gadget->secret; /* expect: missing-check gadget-read-secret */
}

int secret_read_ok(struct gadget *gadget)
{
	if (security_gadget(gadget))
		return -EACCES;
	return gadget->secret;
}

int secret_of_other_bad(struct gadget *gadget, struct gadget *other)
{
	if (security_gadget(gadget))
		return -EACCES;
	return other->secret; /* expect: wrong-object gadget-read-secret */
}

int level_by_wrapper_ok(struct gadget *gadget)
{
	return level_checked_ok(gadget, 5);
}

static void raise_level(struct gadget *gadget)
{
	gadget->level = 9;
}

int level_in_helper_bad(struct gadget *gadget)
{
	raise_level(gadget); /* expect: missing-check gadget-set-level */
	return 0;
}

int level_in_helper_ok(struct gadget *gadget)
{
	if (security_gadget(gadget))
		return -EACCES;
	raise_level(gadget);
	return 0;
}

/* A new gadget belongs to nobody else yet; no rule says so, and the store looks like any other. */
int FP_own_object_ok(int level)
{
	struct gadget *gadget = kmalloc(sizeof(struct gadget), GFP_KERNEL);

	if (!gadget)
		return -ENOMEM;
	gadget->level = level;
	kfree(gadget);
	return 0;
}
