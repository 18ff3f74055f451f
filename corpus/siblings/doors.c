/* Ways to one operation without a rule: what the others pass first, the one that does not is asked about. */
#include "../kernel.h"

struct press {
	struct thing *owner;
	int pages;
	int colour;
};

int security_press(struct press *press, int pages);

static void print_pages(struct press *press, int pages)
{
	press->pages += pages;
}

long __do_sys_print(struct press *press, int pages)
{
	int err = security_press(press, pages);

	if (err)
		return err;
	print_pages(press, pages);
	return 0;
}

long __do_sys_print_one(struct press *press)
{
	if (security_press(press, 1))
		return -EACCES;
	print_pages(press, 1);
	return 0;
}

long __do_sys_print_twice(struct press *press, int pages)
{
	long err = security_press(press, pages);

	if (!err)
		print_pages(press, pages);
	if (!err)
		print_pages(press, pages);
	return err;
}

static int may_print(struct press *press, int pages)
{
	return security_press(press, pages);
}

long print_ioctl_ok(struct press *press, int pages)
{
	if (may_print(press, pages))
		return -EACCES;
	print_pages(press, pages);
	return 0;
}

long print_netlink_bad(struct press *press, int pages)
{
	if (pages < 0)
		return -EINVAL;
	print_pages(press, pages); /* expect: missing-check door-sibling:print_pages */
	return 0;
}

/* Two forms of one call, and only one of them asks. */
static void mix_colour(struct press *press, int colour)
{
	press->colour = colour;
}

long __do_sys_colour(struct press *press, int colour)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	mix_colour(press, colour);
	return 0;
}

long __do_compat_sys_colour(struct press *press, int colour)
{
	mix_colour(press, colour); /* expect: missing-check door-sibling:mix_colour */
	return 0;
}

/* The caller has asked: the helper need not. */
static void clean(struct press *press)
{
	press->colour = 0;
	press->pages = 0;
}

static void clean_up(struct press *press)
{
	clean(press);
}

long __do_sys_clean(struct press *press)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	clean(press);
	return 0;
}

long __do_sys_clean_all(struct press *press)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	clean(press);
	return 0;
}

long __do_sys_clean_most(struct press *press)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	clean(press);
	clean_up(press);
	return 0;
}
