/* The repair: the handler asks about the link's own namespace as well. */
#include "../kernel.h"

struct tunnel {
	struct net *net;
	int remote;
};

static int tunnel_changelink(struct net_device *dev, struct nlattr **tb, struct nlattr **data)
{
	struct tunnel *tunnel = netdev_priv(dev);

	if (!ns_capable(tunnel->net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	if (!data)
		return -EINVAL;
	configure_net(tunnel->net);
	return 0;
}

int set_link_ok(struct net_device *dev, struct nlattr **tb, struct nlattr **data)
{
	struct net *net = dev_net(dev);

	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	return tunnel_changelink(dev, tb, data);
}
