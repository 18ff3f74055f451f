/* A hook that is asked about an inode of the kernel's own allows whatever the modules say. */
#include "../kernel.h"

int made_private_bad(struct inode *inode)
{
	int err;

	inode->i_flags |= S_PRIVATE;
	err = security_inode_permission(inode, MAY_WRITE); /* expect: vacuous-check shape-silenced */
	if (err)
		return err;
	note_event(inode->i_flags);
	return 0;
}

int private_branch_bad(struct inode *inode)
{
	int err = 0;

	if (inode->i_flags & S_PRIVATE)
		err = security_inode_permission(inode, MAY_READ); /* expect: vacuous-check shape-silenced */
	return err;
}

int made_visible_ok(struct inode *inode)
{
	inode->i_flags &= ~S_PRIVATE;
	return security_inode_permission(inode, MAY_WRITE);
}

int perhaps_private_ok(struct inode *inode, int hidden)
{
	if (hidden)
		inode->i_flags |= S_PRIVATE;
	return security_inode_permission(inode, MAY_WRITE);
}

int another_flag_ok(struct inode *inode)
{
	inode->i_flags |= 1;
	return security_inode_permission(inode, MAY_WRITE);
}

int another_inode_ok(struct inode *inode, struct inode *other)
{
	other->i_flags |= S_PRIVATE;
	return security_inode_permission(inode, MAY_WRITE);
}
