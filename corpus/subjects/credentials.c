/* Whose credentials were judged: the caller's, the opener's, the sender's. */
#include "../kernel.h"

int opener_ok(struct file *file, int value)
{
	if (!file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	write_config(file, value);
	return 0;
}

int caller_for_opener_bad(struct file *file, int value)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	write_config(file, value); /* expect: wrong-subject config-write */
	return 0;
}

int nobody_asked_bad(struct file *file, int value)
{
	write_config(file, value); /* expect: missing-check config-write */
	return 0;
}

int opener_of_other_file_bad(struct file *file, struct file *other, int value)
{
	if (!file_ns_capable(other, &init_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	write_config(file, value); /* expect: wrong-subject config-write */
	return 0;
}

int socket_privilege_ok(struct sock *sk)
{
	if (!sk_capable(sk, CAP_NET_ADMIN))
		return -EPERM;
	configure_radio(sk);
	return 0;
}

int caller_for_socket_bad(struct sock *sk)
{
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	configure_radio(sk); /* expect: wrong-subject radio-configure */
	return 0;
}

int senders_credentials_ok(struct task_struct *task, struct kernel_siginfo *info, struct file *file)
{
	int err = security_task_kill(task, info, 9, file->f_cred);

	if (err)
		return err;
	forward_signal(task, info, 9, file->f_cred);
	return 0;
}

/* Said to be another object: credentials handed over are compared as an operand. */
int FN_current_for_sender_bad(struct task_struct *task, struct kernel_siginfo *info, struct file *file)
{
	int err = security_task_kill(task, info, 9, current_cred());

	if (err)
		return err;
	forward_signal(task, info, 9, file->f_cred); /* expect: wrong-subject signal-forward */
	return 0;
}

/* Said to be another object: credentials handed over are compared as an operand. */
int FN_null_for_sender_bad(struct task_struct *task, struct kernel_siginfo *info, const struct cred *cred)
{
	int err = security_task_kill(task, info, 9, NULL);

	if (err)
		return err;
	forward_signal(task, info, 9, cred); /* expect: wrong-subject signal-forward */
	return 0;
}

int credentials_borrowed_bad(struct thing *thing, const struct cred *stronger)
{
	const struct cred *old = override_creds(stronger);
	int err = security_thing(thing);

	revert_creds(old);
	if (err)
		return err;
	controlled_op(thing); /* expect: wrong-subject thing-use */
	return 0;
}

int credentials_given_back_ok(struct thing *thing, const struct cred *stronger)
{
	const struct cred *old = override_creds(stronger);
	int err;

	note_event(3);
	revert_creds(old);
	err = security_thing(thing);
	if (err)
		return err;
	controlled_op(thing);
	return 0;
}
