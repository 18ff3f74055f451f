/* An operation may need a set of checks: each missing component is named. */
#include "../kernel.h"

int both_ok(struct thing *thing)
{
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = security_thing(thing);
	if (err)
		return err;
	erase_thing(thing);
	return 0;
}

int hook_without_capability_bad(struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		return err;
	erase_thing(thing); /* expect: missing-check thing-erase */
	return 0;
}

int capability_without_hook_bad(struct thing *thing)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	erase_thing(thing); /* expect: missing-check thing-erase */
	return 0;
}

int one_on_each_path_bad(struct thing *thing, int quick)
{
	if (quick) {
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
	} else {
		if (security_thing(thing))
			return -EACCES;
	}
	erase_thing(thing); /* expect: missing-check thing-erase */
	return 0;
}

int either_first_ok(struct thing *thing)
{
	if (security_thing(thing))
		return -EACCES;
	share_thing(thing);
	return 0;
}

int either_second_ok(struct thing *thing)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	share_thing(thing);
	return 0;
}

int either_per_path_ok(struct thing *thing)
{
	if (!capable(CAP_SYS_ADMIN)) {
		int err = security_thing(thing);

		if (err)
			return err;
	}
	share_thing(thing);
	return 0;
}

int neither_bad(struct thing *thing, int quick)
{
	if (!quick && security_thing(thing))
		return -EACCES;
	share_thing(thing); /* expect: missing-check thing-share */
	return 0;
}

int other_capability_bad(struct thing *thing)
{
	if (security_thing(thing))
		return -EACCES;
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	erase_thing(thing); /* expect: weaker-check thing-erase */
	return 0;
}

int set_in_wrapper_ok(struct thing *thing)
{
	if (!capable(CAP_SYS_ADMIN) || security_thing(thing) != 0)
		return -EPERM;
	erase_thing(thing);
	return 0;
}

int two_rules_one_line_bad(struct thing *thing, int how)
{
	erase_thing(thing); reboot_machine(how); /* expect: missing-check thing-erase; missing-check machine-reboot */
	return 0;
}
