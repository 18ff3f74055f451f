/* Objects and results handed back through pointers. */
#include "../kernel.h"

int out_object_ok(int id)
{
	struct thing *thing;
	int err = lookup_thing(id, &thing);

	if (err)
		return err;
	err = security_thing(thing);
	if (!err)
		controlled_op(thing);
	put_thing(thing);
	return err;
}

int out_object_bad(int id)
{
	struct thing *thing;
	int err = lookup_thing(id, &thing);

	if (err)
		return err;
	controlled_op(thing); /* expect: missing-check thing-use */
	put_thing(thing);
	return 0;
}

static int get_allowed(int id, struct thing **result)
{
	struct thing *thing = find_thing(id);
	int err;

	if (!thing)
		return -ENOENT;
	err = security_thing(thing);
	if (err) {
		put_thing(thing);
		return err;
	}
	*result = thing;
	return 0;
}

int checked_out_object_ok(int id)
{
	struct thing *thing;
	int err = get_allowed(id, &thing);

	if (err)
		return err;
	controlled_op(thing);
	put_thing(thing);
	return 0;
}

int checked_out_object_bad(int id)
{
	struct thing *thing = find_thing(id + 1);

	get_allowed(id, &thing);
	if (!thing)
		return -ENOENT;
	controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}

int element_filled_bad(struct thing *thing, int id)
{
	struct thing *pair[2] = { thing, thing };
	int err = security_thing(pair[1]);

	if (err)
		return err;
	err = lookup_thing(id, &pair[1]);
	if (err)
		return err;
	controlled_op(pair[1]); /* expect: wrong-object thing-use */
	return 0;
}

int array_filled_bad(struct thing *thing, int id)
{
	struct thing *pair[2] = { thing, thing };
	int err = security_thing(pair[0]);

	if (err)
		return err;
	err = lookup_thing(id, pair);
	if (err)
		return err;
	controlled_op(pair[0]); /* expect: wrong-object thing-use */
	return 0;
}

static void put_in(struct thing **place, struct thing *thing)
{
	struct thing **where = place;

	*where = thing;
}

/* That a callee writes through a copy of its parameter is not seen. */
int FN_filled_through_a_copy_bad(struct thing *thing, struct thing *other)
{
	struct thing *held = thing;
	int err = security_thing(held);

	if (err)
		return err;
	put_in(&held, other);
	controlled_op(held); /* expect: wrong-object thing-use */
	return 0;
}

static void store_verdict(struct thing *thing, int *verdict)
{
	*verdict = security_thing(thing);
}

/* A verdict that a wrapper stores through a pointer does not reach its caller. */
int FP_verdict_by_pointer_ok(struct thing *thing)
{
	int verdict = -EACCES;

	store_verdict(thing, &verdict);
	if (verdict)
		return verdict;
	controlled_op(thing);
	return 0;
}

/* Said to lack the check: a verdict stored through a pointer leaves no trace of having asked. */
int FN_verdict_not_read_bad(struct thing *thing)
{
	int verdict = -EACCES;

	store_verdict(thing, &verdict);
	controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}

int path_filled_ok(const char *name)
{
	struct path path;
	int err = user_path_at(-100, name, 0, &path);

	if (err)
		return err;
	err = inode_permission(path.mnt->mnt_idmap, path.dentry->d_inode, MAY_WRITE);
	if (!err)
		change_inode(path.dentry->d_inode);
	path_put(&path);
	return err;
}

int path_filled_again_bad(const char *name)
{
	struct path path;
	int err = user_path_at(-100, name, 0, &path);

	if (err)
		return err;
	err = inode_permission(path.mnt->mnt_idmap, path.dentry->d_inode, MAY_WRITE);
	path_put(&path);
	if (err)
		return err;
	err = user_path_at(-100, name, 0, &path);
	if (err)
		return err;
	change_inode(path.dentry->d_inode); /* expect: refetch inode-change */
	path_put(&path);
	return 0;
}

int object_overwritten_bad(struct thing *thing, int id)
{
	int err = security_thing(thing);

	if (err)
		return err;
	err = lookup_thing(id, &thing);
	if (err)
		return err;
	controlled_op(thing); /* expect: wrong-object thing-use */
	return 0;
}
