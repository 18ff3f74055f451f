/* Several protocol families (2019, 2020) let everybody create raw sockets: only the type was looked at. */
#include "../kernel.h"

static const struct proto_ops raw_operations = { .family = 39 };
static const struct proto_ops stream_operations = { .family = 39 };

static int field_create(struct net *net, struct socket *sock, int protocol, int kern)
{
	struct sock *sk;

	if (sock->type != SOCK_STREAM && sock->type != SOCK_RAW)
		return -EINVAL;
	sk = new_sock(net, protocol);
	if (!sk)
		return -ENOMEM;
	if (sock->type == SOCK_RAW) {
		sock->ops = &raw_operations;
		attach_raw(net, sk); /* expect: missing-check history-raw-socket */
	} else {
		sock->ops = &stream_operations;
	}
	sock->sk = sk;
	return 0;
}

int create_field_socket_bad(struct net *net, struct socket *sock, int protocol)
{
	int err = security_socket_create(39, sock->type, protocol, 0);

	if (err)
		return err;
	return field_create(net, sock, protocol, 0);
}
