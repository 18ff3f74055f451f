/* Work for nobody: kernel threads and deferred work run without a user subject and are told apart, not reported. */
#include "../kernel.h"

static struct thing *table[16];

static int sweeper_thread(void *data)
{
	struct thing *thing = data;

	controlled_op(thing);
	return 0;
}

int start_sweeper_ok(int id)
{
	kthread_run(sweeper_thread, table[id & 15], "sweeper");
	return 0;
}

static int shared_step(struct thing *thing)
{
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

static int background_thread(void *data)
{
	return shared_step(data);
}

int start_background_ok(int id)
{
	kthread_run(background_thread, table[id & 15], "background");
	return 0;
}

int foreground_bad(struct thing *thing)
{
	return shared_step(thing);
}

static void deferred_step(struct work_struct *item)
{
	controlled_op(table[sizeof(*item) & 15]);
}

static void early_step(struct work_struct *item)
{
	controlled_op(table[sizeof(*item) & 15]); /* expect: missing-check thing-use */
}

static struct work_struct deferred_item = { .func = deferred_step };
static struct work_struct early_item = { .func = early_step };

int start_item_ok(void)
{
	return schedule_work(&deferred_item) && schedule_work(&early_item);
}

int run_item_ok(struct work_struct *item)
{
	item->func(item);
	return 0;
}

int run_early_step_bad(void)
{
	early_step(&early_item);
	return 0;
}
