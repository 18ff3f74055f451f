/* Operations of the Linux rule pack: directories, through inode_operations. */
#include "../kernel.h"

static int may_create(struct mnt_idmap *idmap, struct inode *dir, struct dentry *child)
{
	if (child->d_inode)
		return -EEXIST;
	return inode_permission(idmap, dir, MAY_WRITE | MAY_EXEC);
}

int make_directory_ok(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode)
{
	int err = may_create(idmap, dir, dentry);

	if (err)
		return err;
	if (!dir->i_op->mkdir)
		return -EPERM;
	err = security_inode_mkdir(dir, dentry, mode);
	if (err)
		return err;
	return dir->i_op->mkdir(idmap, dir, dentry, mode);
}

int make_directory_without_hook_bad(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode)
{
	int err = may_create(idmap, dir, dentry);

	if (err)
		return err;
	if (!dir->i_op->mkdir)
		return -EPERM;
	return dir->i_op->mkdir(idmap, dir, dentry, mode); /* expect: missing-check inode-mkdir */
}

int make_directory_without_dac_bad(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode)
{
	int err = security_inode_mkdir(dir, dentry, mode);

	if (err)
		return err;
	return dir->i_op->mkdir(idmap, dir, dentry, mode); /* expect: missing-check inode-mkdir */
}

int make_directory_weaker_bad(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode)
{
	int err = inode_permission(idmap, dir, MAY_EXEC);

	if (!err)
		err = security_inode_mkdir(dir, dentry, mode);
	if (!err)
		err = dir->i_op->mkdir(idmap, dir, dentry, mode); /* expect: weaker-check inode-mkdir */
	return err;
}

int make_directory_elsewhere_bad(struct mnt_idmap *idmap, struct inode *dir, struct inode *other,
				 struct dentry *dentry, umode_t mode)
{
	int err = may_create(idmap, dir, dentry);

	if (!err)
		err = security_inode_mkdir(other, dentry, mode);
	if (!err)
		err = dir->i_op->mkdir(idmap, dir, dentry, mode); /* expect: wrong-object inode-mkdir */
	return err;
}
