/* Accessor functions return what a projection names: file_inode(f) is f->f_inode, d_inode(d) is d->d_inode. */
#include "../kernel.h"

int accessor_and_member_ok(struct file *file)
{
	int err = inode_permission(file_mnt_idmap(file), file_inode(file), MAY_WRITE);

	if (err)
		return err;
	change_inode(file->f_inode);
	return 0;
}

int accessor_twice_ok(struct file *file)
{
	int err = inode_permission(file_mnt_idmap(file), file_inode(file), MAY_WRITE);

	if (err)
		return err;
	change_inode(file_inode(file));
	return 0;
}

int accessor_other_file_bad(struct file *file, struct file *other)
{
	int err = inode_permission(file_mnt_idmap(file), file_inode(file), MAY_WRITE);

	if (err)
		return err;
	change_inode(file_inode(other)); /* expect: wrong-object inode-change */
	return 0;
}

int dentry_accessor_ok(struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	int err = inode_permission(&nop_mnt_idmap, dentry->d_inode, MAY_WRITE);

	if (err)
		return err;
	change_inode(inode);
	return 0;
}

int parent_of_dentry_bad(struct dentry *dentry)
{
	int err = inode_permission(&nop_mnt_idmap, d_inode(dentry->d_parent), MAY_WRITE);

	if (err)
		return err;
	change_inode(d_inode(dentry)); /* expect: wrong-object inode-change */
	return 0;
}

int path_steps_ok(const struct path *path)
{
	struct dentry *dentry = path->dentry;
	int err = inode_permission(path->mnt->mnt_idmap, dentry->d_inode, MAY_WRITE);

	if (err)
		return err;
	change_inode(path->dentry->d_inode);
	return 0;
}

int dentry_replaced_bad(struct path *path, struct dentry *found)
{
	int err = inode_permission(path->mnt->mnt_idmap, path->dentry->d_inode, MAY_WRITE);

	if (err)
		return err;
	path->dentry = found;
	change_inode(path->dentry->d_inode); /* expect: wrong-object inode-change */
	return 0;
}
