/* An ignored, overwritten or inverted result grants nothing and is reported as that. */
#include "../kernel.h"

int not_kept_bad(struct thing *thing)
{
	security_thing(thing);
	controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}

int cast_to_void_bad(struct thing *thing)
{
	(void)security_thing(thing);
	controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}

int kept_and_not_tested_bad(struct thing *thing)
{
	int err = security_thing(thing);

	controlled_op(thing); /* expect: ignored-result thing-use */
	return err;
}

int overwritten_bad(struct thing *thing, const char *text)
{
	int err = security_thing(thing);

	err = parse_request(text);
	if (err)
		return err;
	controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}

int set_to_zero_bad(struct thing *thing)
{
	int err = security_thing(thing);

	if (err == -EAGAIN)
		err = 0;
	if (err)
		return err;
	controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}

int inverted_bad(struct thing *thing)
{
	int err = security_thing(thing);

	if (!err)
		return -EACCES;
	controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}

int inverted_capability_bad(int how)
{
	if (capable(CAP_SYS_ADMIN))
		return -EPERM;
	reboot_machine(how); /* expect: ignored-result machine-reboot */
	return 0;
}

int positive_only_bad(struct thing *thing)
{
	/* Errors are negative: "> 0" never fires. */
	if (security_thing(thing) > 0)
		return -EACCES;
	controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}

int only_reported_bad(struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		note_event(err);
	controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}

int one_error_tested_bad(struct thing *thing)
{
	int err = security_thing(thing);

	if (err == -EACCES)
		return err;
	controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}

int returned_too_late_bad(struct thing *thing)
{
	int err = security_thing(thing);
	int status = controlled_status(thing); /* expect: ignored-result thing-status */

	return err ? err : status;
}

int tested_twice_ok(struct thing *thing)
{
	int err = security_thing(thing);

	if (err == -EAGAIN)
		note_event(7);
	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int ignored_then_asked_bad(struct thing *thing)
{
	int err;

	/* The operation is mediated by the second call; the first one serves nothing, which is reported by itself. */
	security_thing(thing); /* expect: ignored-result shape-ignored-result */
	err = security_thing(thing);
	if (err)
		return err;
	controlled_op(thing);
	return 0;
}
