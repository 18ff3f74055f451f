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

int released_between_bad(struct task_struct *task)
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

int never_locked_bad(struct task_struct *task)
{
	if (!ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS))
		return -EPERM;
	read_task_memory(task); /* expect: missing-check task-read-memory */
	return 0;
}

int locked_after_check_bad(struct task_struct *task)
{
	if (!ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS))
		return -EPERM;
	down_read(&task->signal->exec_update_lock);
	read_task_memory(task); /* expect: missing-check task-read-memory */
	up_read(&task->signal->exec_update_lock);
	return 0;
}

int locked_again_bad(struct task_struct *task)
{
	int err = -EPERM;

	down_read(&task->signal->exec_update_lock);
	if (ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS)) {
		up_read(&task->signal->exec_update_lock);
		down_read(&task->signal->exec_update_lock);
		read_task_memory(task); /* expect: missing-check task-read-memory */
		err = 0;
	}
	up_read(&task->signal->exec_update_lock);
	return err;
}

static int look_allowed(struct task_struct *task)
{
	return ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS) ? 0 : -EPERM;
}

int checked_by_callee_ok(struct task_struct *task)
{
	int err = down_read_killable(&task->signal->exec_update_lock);

	if (err)
		return err;
	err = look_allowed(task);
	if (!err)
		read_task_memory(task);
	up_read(&task->signal->exec_update_lock);
	return err;
}

/* Returns with the lock held where it returns 0. */
static int lock_for_look(struct task_struct *task)
{
	int err = down_read_killable(&task->signal->exec_update_lock);

	if (err)
		return err;
	if (!ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS)) {
		up_read(&task->signal->exec_update_lock);
		return -EPERM;
	}
	return 0;
}

int locked_by_callee_ok(struct task_struct *task)
{
	int err = lock_for_look(task);

	if (err)
		return err;
	read_task_memory(task);
	up_read(&task->signal->exec_update_lock);
	return 0;
}

static void look(struct task_struct *task)
{
	read_task_memory(task);
}

int locked_by_caller_ok(struct task_struct *task)
{
	int err = lock_for_look(task);

	if (err)
		return err;
	look(task);
	up_read(&task->signal->exec_update_lock);
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
