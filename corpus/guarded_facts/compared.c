/* A condition with `_`: something of this form was compared, and found equal. */
#include "../kernel.h"

int compared_ok(struct box *box, struct thing *thing)
{
	if (thing != box->spare)
		return -EINVAL;
	copy_region(box);
	return 0;
}

int found_other_bad(struct box *box, struct thing *thing)
{
	if (box->spare == thing)
		return -EINVAL;
	copy_region(box); /* expect: missing-check region-copy */
	return 0;
}

int other_box_compared_bad(struct box *box, struct box *other, struct thing *thing)
{
	if (other->spare != thing)
		return -EINVAL;
	copy_region(box); /* expect: missing-check region-copy */
	return 0;
}

int compared_on_one_path_bad(struct box *box, struct thing *thing)
{
	if (thing && box->spare != thing)
		return -EINVAL;
	copy_region(box); /* expect: missing-check region-copy */
	return 0;
}
