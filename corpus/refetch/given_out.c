/* Operations on what a check itself gave out: the same thing obtained in another way may be another one by now. */
#include "../kernel.h"

int given_out_ok(struct task_struct *task)
{
	struct mm_struct *mm = mm_access(task, PTRACE_MODE_READ_FSCREDS);

	if (IS_ERR(mm))
		return -EPERM;
	map_memory(mm);
	return 0;
}

int asked_for_again_bad(struct task_struct *task)
{
	struct mm_struct *mm;

	if (!ptrace_may_access(task, PTRACE_MODE_READ_FSCREDS))
		return -EPERM;
	mm = get_task_mm(task);
	map_memory(mm); /* expect: missing-check memory-map */
	return 0;
}

int given_out_for_less_bad(struct task_struct *task)
{
	struct mm_struct *mm = mm_access(task, 0);

	if (IS_ERR(mm))
		return -EPERM;
	map_memory(mm); /* expect: weaker-check memory-map */
	return 0;
}

static struct mm_struct *open_memory(struct task_struct *task)
{
	return mm_access(task, PTRACE_MODE_READ_FSCREDS);
}

/* Where a callee of its own gave it out, what it was given by is not followed. */
int FP_given_out_by_callee_ok(struct task_struct *task)
{
	struct mm_struct *mm = open_memory(task);

	if (IS_ERR(mm))
		return -EPERM;
	map_memory(mm);
	return 0;
}
