/* A named exemption stands in for the check; any other condition that bypasses it is a finding. */
#include "../kernel.h"

int checked_task_ok(struct task_struct *task)
{
	if (!ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS))
		return -EPERM;
	peek_task(task);
	return 0;
}

int own_task_ok(struct task_struct *task)
{
	if (task != get_current() && !ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS))
		return -EPERM;
	peek_task(task);
	return 0;
}

int current_itself_ok(void)
{
	peek_task(get_current());
	return 0;
}

/* A condition on what a function returns for current is not recognised as the exemption. */
int FP_same_process_ok(struct task_struct *task)
{
	if (!same_thread_group(task, get_current())) {
		if (!ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS))
			return -EPERM;
	}
	peek_task(task);
	return 0;
}

static int may_peek(struct task_struct *task)
{
	if (same_thread_group(task, get_current()))
		return 0;
	return ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS) ? 0 : -EPERM;
}

/* An exemption that a wrapper grants is not handed to its callers. */
int FP_exemption_in_wrapper_ok(struct task_struct *task)
{
	int err = may_peek(task);

	if (err)
		return err;
	peek_task(task);
	return 0;
}

int unnamed_exemption_bad(struct task_struct *task)
{
	if (task->pid > 100) {
		if (!ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS))
			return -EPERM;
	}
	peek_task(task); /* expect: missing-check task-peek */
	return 0;
}

static int may_peek_if_young(struct task_struct *task)
{
	if (task->pid < 100)
		return 0;
	return ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS) ? 0 : -EPERM;
}

int unnamed_in_wrapper_bad(struct task_struct *task)
{
	int err = may_peek_if_young(task);

	if (err)
		return err;
	peek_task(task); /* expect: missing-check task-peek */
	return 0;
}

int exemption_inverted_bad(struct task_struct *task)
{
	if (task == get_current()) {
		if (!ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS))
			return -EPERM;
	}
	peek_task(task); /* expect: missing-check task-peek */
	return 0;
}

int exemption_for_other_bad(struct task_struct *task, struct task_struct *other)
{
	if (!same_thread_group(other, get_current())) {
		if (!ptrace_may_access(task, PTRACE_MODE_READ_REALCREDS))
			return -EPERM;
	}
	peek_task(task); /* expect: missing-check task-peek */
	return 0;
}

int exemption_not_of_this_rule_bad(struct thing *thing, struct task_struct *task)
{
	if (task != get_current() && security_thing(thing))
		return -EACCES;
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}
