/*
 * Tunnels whose device was moved to another network namespace: rtnetlink asks about the namespace that the device is
 * in, the handler changes state in the namespace where the link was made.
 */
#include "../kernel.h"

struct tunnel {
	struct net *net;
	int remote;
};

static int tunnel_changelink(struct net_device *dev, struct nlattr **tb, struct nlattr **data)
{
	struct tunnel *tunnel = netdev_priv(dev);

	if (!data)
		return -EINVAL;
	configure_net(tunnel->net); /* expect: wrong-namespace net-configure */
	return 0;
}

int set_link_bad(struct net_device *dev, struct nlattr **tb, struct nlattr **data)
{
	struct net *net = dev_net(dev);

	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	return tunnel_changelink(dev, tb, data);
}
