/* ns_capable(ns, cap) is a fact about ns: the caller's, the object's, the link's and the initial one differ. */
#include "../kernel.h"

struct tunnel {
	struct net *net;
	struct net_device *dev;
};

int own_namespace_ok(struct net *net)
{
	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	configure_net(net);
	return 0;
}

int callers_namespace_bad(struct net *net)
{
	if (!ns_capable(current_user_ns(), CAP_NET_ADMIN))
		return -EPERM;
	configure_net(net); /* expect: wrong-namespace net-configure */
	return 0;
}

int other_net_bad(struct net *net, struct net *target)
{
	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	configure_net(target); /* expect: wrong-namespace net-configure */
	return 0;
}

int device_and_link_bad(struct net_device *dev)
{
	struct tunnel *tunnel = netdev_priv(dev);

	if (!ns_capable(dev_net(dev)->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	configure_net(tunnel->net); /* expect: wrong-namespace net-configure */
	return 0;
}

int device_and_link_ok(struct net_device *dev)
{
	struct tunnel *tunnel = netdev_priv(dev);

	if (!ns_capable(tunnel->net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	configure_net(tunnel->net);
	return 0;
}

int socket_net_ok(struct sock *sk)
{
	struct net *net = sock_net(sk);

	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	configure_net(sock_net(sk));
	return 0;
}

int machine_in_namespace_bad(int how)
{
	if (!ns_capable(current_user_ns(), CAP_SYS_ADMIN))
		return -EPERM;
	reboot_machine(how); /* expect: wrong-namespace machine-reboot */
	return 0;
}

/* ns_capable() on the initial namespace, spelled out, is not read as capable(). */
int FP_initial_spelled_out_ok(int how)
{
	/* capable(cap) is ns_capable(&init_user_ns, cap). */
	if (!ns_capable(&init_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	reboot_machine(how);
	return 0;
}

int parent_namespace_bad(struct net *net)
{
	if (!ns_capable(net->user_ns->parent, CAP_NET_ADMIN))
		return -EPERM;
	configure_net(net); /* expect: wrong-namespace net-configure */
	return 0;
}

static bool may_configure(struct net *net)
{
	return ns_capable(net->user_ns, CAP_NET_ADMIN);
}

int namespace_wrapper_ok(struct net *net)
{
	if (!may_configure(net))
		return -EPERM;
	configure_net(net);
	return 0;
}

int namespace_wrapper_bad(struct net *from, struct net *to)
{
	if (!may_configure(from))
		return -EPERM;
	configure_net(to); /* expect: wrong-namespace net-configure */
	return 0;
}

/* Whoever is capable in the initial namespace is so in every one below it. */
int initial_is_above_all_ok(struct net *net)
{
	if (!ns_capable(&init_user_ns, CAP_NET_ADMIN))
		return -EPERM;
	configure_net(net);
	return 0;
}
