/* The idmap of the mount is a namespace too: asking with another one is a wrong-namespace finding. */
#include "../kernel.h"

int idmap_of_mount_ok(struct file *file, u32 uid)
{
	struct mnt_idmap *idmap = file_mnt_idmap(file);
	struct inode *inode = file_inode(file);

	if (!inode_owner_or_capable(idmap, inode))
		return -EPERM;
	store_owner(idmap, inode, uid);
	return 0;
}

int idmap_ignored_bad(struct file *file, u32 uid)
{
	struct mnt_idmap *idmap = file_mnt_idmap(file);
	struct inode *inode = file_inode(file);

	if (!inode_owner_or_capable(&nop_mnt_idmap, inode))
		return -EPERM;
	store_owner(idmap, inode, uid); /* expect: wrong-namespace inode-owner */
	return 0;
}

int idmap_of_other_mount_bad(struct path *from, struct path *to, u32 uid)
{
	struct inode *inode = to->dentry->d_inode;

	if (!inode_owner_or_capable(from->mnt->mnt_idmap, inode))
		return -EPERM;
	store_owner(to->mnt->mnt_idmap, inode, uid); /* expect: wrong-namespace inode-owner */
	return 0;
}
