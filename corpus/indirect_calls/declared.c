/*
 * Commands whose table says who may give them: the dispatcher asks for what the entry declares, so that it is known in
 * the handler, and a handler whose entry declares nothing is open to everybody.
 */
#include "../kernel.h"

#define DECLARES_ADMIN 1

static int declared_shutdown(struct radio *radio)
{
	switch_radio(radio);
	return 0;
}

static int undeclared_switch(struct radio *radio)
{
	switch_radio(radio); /* expect: missing-check radio-switch */
	return 0;
}

static int otherwise_declared_switch(struct radio *radio)
{
	switch_radio(radio); /* expect: weaker-check radio-switch */
	return 0;
}

static int twice_entered_switch(struct radio *radio)
{
	switch_radio(radio); /* expect: missing-check radio-switch */
	return 0;
}

static int careful_switch(struct radio *radio)
{
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	switch_radio(radio);
	return 0;
}

static const struct radio_command radio_commands[] = {
	{ .run = declared_shutdown, .flags = DECLARES_ADMIN | 4 },
	{ .run = undeclared_switch },
	{ .run = otherwise_declared_switch, .flags = 4 },
	{ .run = twice_entered_switch, .flags = DECLARES_ADMIN },
	{ .run = twice_entered_switch, .flags = 4 },
	{ .run = careful_switch },
};

int command_radio_bad(struct radio *radio, int number)
{
	const struct radio_command *command;

	if (number < 0 || number > 5)
		return -EINVAL;
	command = &radio_commands[number];
	return command->run(radio);
}
