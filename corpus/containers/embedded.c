/* Objects inside objects: the address of a member, and the way back to what is around it. */
#include "../kernel.h"

int embedded_ok(struct box *box)
{
	int err = security_thing(&box->thing);

	if (err)
		return err;
	controlled_op(&box->thing);
	return 0;
}

int embedded_other_bad(struct box *box, struct box *other)
{
	int err = security_thing(&other->thing);

	if (err)
		return err;
	controlled_op(&box->thing); /* expect: wrong-object thing-use */
	return 0;
}

int embedded_or_spare_bad(struct box *box)
{
	int err = security_thing(&box->thing);

	if (err)
		return err;
	controlled_op(box->spare); /* expect: wrong-object thing-use */
	return 0;
}

static int check_box(struct box *box)
{
	return security_thing(&box->thing);
}

int embedded_in_wrapper_ok(struct box *box)
{
	struct thing *thing = &box->thing;
	int err = check_box(box);

	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int array_same_element_ok(struct box *box, int at)
{
	struct thing *thing = box->slots[at];
	int err = security_thing(thing);

	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int array_other_element_bad(struct box *box, int at)
{
	int err = security_thing(box->slots[at]);

	if (err)
		return err;
	controlled_op(box->slots[at + 1]); /* expect: wrong-object thing-use */
	return 0;
}

int array_constant_element_ok(struct box *box)
{
	int err = security_thing(box->slots[2]);

	if (err)
		return err;
	controlled_op(box->slots[2]);
	return 0;
}

int element_replaced_bad(struct box *box, int at, struct thing *fresh)
{
	int err = security_thing(box->slots[at]);

	if (err)
		return err;
	box->slots[at] = fresh;
	controlled_op(box->slots[at]); /* expect: wrong-object thing-use */
	return 0;
}

int queue_of_perm_ok(struct kern_ipc_perm *perm, int cmd)
{
	/* container_of: the queue starts with its permissions. */
	struct msg_queue *queue = (struct msg_queue *)((char *)perm - (unsigned long)&((struct msg_queue *)0)->q_perm);
	int err = security_msg_queue_msgctl(&queue->q_perm, cmd);

	if (err)
		return err;
	queue->q_qbytes = 1024;
	return 0;
}

int thing_of_entry_ok(struct list_head *entry)
{
	struct thing *thing = (struct thing *)((char *)entry - (unsigned long)&((struct thing *)0)->entry);
	int err = security_thing(thing);

	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int thing_of_entry_bad(struct list_head *entry, struct thing *head)
{
	struct thing *thing = (struct thing *)((char *)entry - (unsigned long)&((struct thing *)0)->entry);
	int err = security_thing(head);

	if (err)
		return err;
	controlled_op(thing); /* expect: wrong-object thing-use */
	return 0;
}

struct wish {
	struct thing *thing;
	int flags;
};

int struct_copied_ok(struct wish *wish)
{
	struct wish copy = *wish;
	int err = security_thing(copy.thing);

	if (err)
		return err;
	controlled_op(copy.thing);
	return 0;
}

int struct_filled_ok(struct thing *thing)
{
	struct wish wish = { .thing = thing, .flags = 1 };
	int err = security_thing(thing);

	if (err)
		return err;
	controlled_op(wish.thing);
	return 0;
}

int struct_replaced_bad(struct wish *wish, struct wish *other)
{
	struct wish copy = *wish;
	int err = security_thing(copy.thing);

	if (err)
		return err;
	copy = *other;
	controlled_op(copy.thing); /* expect: wrong-object thing-use */
	return 0;
}
