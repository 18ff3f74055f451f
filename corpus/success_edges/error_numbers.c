/* Error numbers and error pointers: upper ends of unsigned numbers, and PTR_ERR_OR_ZERO(). */
#include "../kernel.h"

int PTR_ERR_OR_ZERO(const void *pointer);
struct thing *find_thing(int id);

static unsigned long place_for(struct thing *thing, unsigned long address)
{
	int err;

	if (address >= (unsigned long)-4095)
		return address;
	err = security_thing(thing);
	return err ? err : address;
}

int unsigned_error_ok(struct thing *thing, unsigned long address)
{
	unsigned long place = place_for(thing, address);

	if (place >= (unsigned long)-4095)
		return place;
	controlled_op(thing);
	return 0;
}

int unsigned_error_inverted_bad(struct thing *thing, unsigned long address)
{
	unsigned long place = place_for(thing, address);

	if (place < (unsigned long)-4095)
		return 0;
	controlled_op(thing); /* expect: ignored-result thing-use */
	return 0;
}

int error_or_zero_bad(int id)
{
	struct thing *thing = find_thing(id);
	int err = PTR_ERR_OR_ZERO(thing);

	if (err)
		return err;
	controlled_op(thing); /* expect: missing-check thing-use */
	return 0;
}

int error_or_zero_ok(int id)
{
	struct thing *thing = find_thing(id);
	int err = PTR_ERR_OR_ZERO(thing);

	if (err)
		return err;
	err = security_thing(thing);
	if (!err)
		controlled_op(thing);
	return err;
}
