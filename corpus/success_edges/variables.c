/* The result travels through variables before it is tested. */
#include "../kernel.h"

int copied_result_ok(struct thing *thing)
{
	int err = security_thing(thing);
	int result = err;

	if (result)
		return result;
	controlled_op(thing);
	return 0;
}

int assigned_in_condition_ok(struct thing *thing)
{
	int err;

	if ((err = security_thing(thing)) != 0)
		return err;
	controlled_op(thing);
	return 0;
}

int chain_of_errors_ok(struct thing *thing, const char *text)
{
	int err = parse_request(text);

	if (!err)
		err = security_thing(thing);
	if (!err)
		controlled_op(thing);
	return err;
}

int broken_chain_bad(struct thing *thing, const char *text)
{
	int err = parse_request(text);

	if (err)
		err = security_thing(thing);
	if (!err)
		controlled_op(thing); /* expect: missing-check thing-use */
	return err;
}

int constant_error_ok(struct thing *thing)
{
	int err = -EACCES;

	if (!security_thing(thing))
		err = 0;
	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int mapped_result_ok(struct thing *thing)
{
	int err = security_thing(thing) ? -ENOENT : 0;

	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int stale_variable_bad(struct thing *thing, const char *text)
{
	int err = 0;
	int denied = security_thing(thing);

	err = parse_request(text);
	if (err)
		return err;
	controlled_op(thing); /* expect: ignored-result thing-use */
	return denied;
}
