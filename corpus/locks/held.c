/* A rule may name a lock under which the check must still be in force at the operation. */
#include "../kernel.h"

int lock_held_ok(struct task_struct *task)
{
	int err = -EPERM;

	down_read(&task->signal->exec_update_lock);
	if (ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS)) {
		read_task_memory(task);
		err = 0;
	}
	up_read(&task->signal->exec_update_lock);
	return err;
}

/* Locks are not followed: a check made under a lock counts after its release. */
int FN_released_between_bad(struct task_struct *task)
{
	bool allowed;

	down_read(&task->signal->exec_update_lock);
	allowed = ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS);
	up_read(&task->signal->exec_update_lock);
	if (!allowed)
		return -EPERM;
	read_task_memory(task); /* expect: missing-check task-read-memory */
	return 0;
}

int other_lock_released_ok(struct box *box)
{
	/* No rule pairs this check with this lock: releasing it ends nothing. */
	struct thing *thing;
	int err;

	mutex_lock(&box->lock);
	thing = box->spare;
	err = security_thing(thing);
	mutex_unlock(&box->lock);
	if (err)
		return err;
	controlled_op(thing);
	return 0;
}
