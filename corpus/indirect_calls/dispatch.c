/* A dispatcher checks once for a whole table; a privilege named by the entry is checked per entry. */
#include "../kernel.h"

#define ENTRY_ADMIN 1

struct request {
	int op;
	int how;
};

struct table_entry {
	int (*handler)(struct request *request);
	unsigned int flags;
};

static int handle_reboot(struct request *request)
{
	reboot_machine(request->how);
	return 0;
}

static int handle_forgotten(struct request *request)
{
	reboot_machine(request->how); /* expect: missing-check machine-reboot */
	return 0;
}

static int handle_careful(struct request *request)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	reboot_machine(request->how);
	return 0;
}

static const struct table_entry entries[] = {
	{ .handler = handle_reboot, .flags = ENTRY_ADMIN },
	{ .handler = handle_forgotten, .flags = 0 },
	{ .handler = handle_careful, .flags = 0 },
};

int dispatch_bad(struct request *request)
{
	const struct table_entry *entry;

	if (request->op < 0 || request->op > 2)
		return -EINVAL;
	entry = &entries[request->op];
	if ((entry->flags & ENTRY_ADMIN) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	return entry->handler(request);
}

struct command {
	int (*run)(int how);
};

static int command_reboot(int how)
{
	reboot_machine(how);
	return 0;
}

static int command_halt(int how)
{
	reboot_machine(how + 1);
	return 0;
}

static const struct command commands[] = {
	{ command_reboot },
	{ command_halt },
};

int run_command_ok(unsigned int number, int how)
{
	if (number > 1)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return commands[number].run(how);
}
