/* A wrapper with more ways to let its caller go on than a summary keeps: those that say nearly the same become one. */
#include "../kernel.h"

struct group {
	struct task_struct *members[11];
};

static int may_peek(struct task_struct *task, struct group *group)
{
	if (task != get_current()) {
		if (!ptrace_may_access(task, 1))
			return -EPERM;
		if (ptrace_may_access(group->members[0], 1) || ptrace_may_access(group->members[1], 1) ||
		    ptrace_may_access(group->members[2], 1) || ptrace_may_access(group->members[3], 1) ||
		    ptrace_may_access(group->members[4], 1) || ptrace_may_access(group->members[5], 1) ||
		    ptrace_may_access(group->members[6], 1) || ptrace_may_access(group->members[7], 1) ||
		    ptrace_may_access(group->members[8], 1) || ptrace_may_access(group->members[9], 1) ||
		    ptrace_may_access(group->members[10], 1))
			return 0;
		return -EINVAL;
	}
	return 0;
}

int many_ways_ok(struct task_struct *task, struct group *group)
{
	int err = may_peek(task, group);

	if (err)
		return err;
	peek_task(task);
	return 0;
}

int many_ways_other_bad(struct task_struct *task, struct task_struct *other, struct group *group)
{
	int err = may_peek(other, group);

	if (err)
		return err;
	peek_task(task); /* expect: wrong-object task-peek */
	return 0;
}
