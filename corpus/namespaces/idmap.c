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

/* Asked with the mapping of no mount, though the file tells its own: reported at the check, whatever it guards. */
static bool may_push_out(struct file *file)
{
	return inode_owner_or_capable(&nop_mnt_idmap, file_inode(file)); /* expect: wrong-namespace shape-idmap */
}

int pushed_out_bad(struct file *file)
{
	return may_push_out(file) ? 0 : -EPERM;
}

int inode_without_mount_ok(struct inode *inode)
{
	return inode_owner_or_capable(&nop_mnt_idmap, inode) ? 0 : -EPERM;
}

int mapping_of_file_ok(struct file *file)
{
	return inode_owner_or_capable(file_mnt_idmap(file), file_inode(file)) ? 0 : -EPERM;
}
