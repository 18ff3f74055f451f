"""The headers that go into a precompiled header, most needed first.

What a unit includes beside them is parsed with the unit, over and over: in 6.12 that text was nine times the units' own
before the subsystems' headers were added.  A header that a kernel lacks is left out; where one of a row does not stand
alone in some kernel, the rows from there on are.  Headers that are to be read more than once (`trace/events/*.h`) and
headers of a single folder have no place here, nor have those whose names other units define for themselves (`before` of
net/tcp.h, `FAILED` of scsi.h): such a unit is parsed a second time, without any of this.
"""

CORE = (
    "linux/module.h", "linux/sched.h", "linux/fs.h", "linux/mm.h", "linux/slab.h", "linux/security.h",
    "linux/syscalls.h", "linux/skbuff.h", "net/sock.h", "linux/pagemap.h", "linux/namei.h", "linux/mount.h",
    "linux/seq_file.h", "linux/proc_fs.h", "linux/blkdev.h", "linux/device.h", "linux/interrupt.h",
)  # fmt: skip
# Used by units everywhere.
MORE = (
    "linux/platform_device.h", "linux/of.h", "linux/acpi.h", "linux/pci.h", "linux/io.h", "linux/netdevice.h",
    "linux/vmalloc.h", "linux/swap.h", "linux/debugfs.h", "linux/crypto.h", "linux/buffer_head.h", "linux/fsnotify.h",
    "linux/audit.h", "linux/kprobes.h", "linux/trace_events.h", "linux/ptrace.h", "net/ip.h", "linux/netfilter.h",
    "linux/xattr.h", "linux/cred.h", "linux/perf_event.h", "linux/rhashtable.h", "net/inet_sock.h", "net/ipv6.h",
    "linux/blk-mq.h", "linux/delay.h", "linux/kthread.h", "linux/dma-mapping.h", "linux/iversion.h",
    "linux/posix_acl.h", "linux/exportfs.h", "linux/writeback.h", "linux/statfs.h", "linux/cpu.h",
    "linux/task_work.h", "linux/pid_namespace.h", "linux/ipc_namespace.h", "linux/rtnetlink.h", "linux/efi.h",
)  # fmt: skip
# Used by the units of whole subsystems.
SUBSYSTEMS = (
    "linux/ethtool.h", "linux/etherdevice.h", "linux/if_vlan.h", "linux/filter.h", "linux/irq.h", "linux/irqdomain.h",
    "linux/unaligned.h", "linux/crc32.h", "linux/usb.h", "linux/leds.h", "linux/backing-dev.h", "linux/pm_runtime.h",
    "linux/msi.h", "linux/filelock.h", "linux/kfifo.h", "linux/i2c.h", "linux/hugetlb.h", "linux/suspend.h",
    "linux/clocksource.h", "linux/memblock.h", "linux/phy.h", "linux/iommu.h", "linux/tty_driver.h", "linux/tty.h",
    "linux/netfilter/x_tables.h", "linux/bpf-cgroup.h", "net/sch_generic.h", "net/xfrm.h", "net/flow_offload.h",
    "net/ip6_fib.h", "net/addrconf.h", "net/genetlink.h", "net/ip_tunnels.h", "net/nexthop.h", "net/ip6_route.h",
    "crypto/hash.h", "rdma/ib_verbs.h", "net/cfg80211.h", "linux/ieee80211.h", "drm/drm_connector.h",
    "linux/mempolicy.h", "linux/usb/ch9.h", "sound/core.h", "linux/sunrpc/xdr.h", "linux/fscrypt.h", "linux/netfs.h",
    "linux/hid.h", "linux/input.h", "linux/zstd_lib.h", "linux/regmap.h", "linux/scatterlist.h", "linux/mfd/core.h",
    "net/netlink.h", "net/tcp_states.h", "net/net_namespace.h", "net/af_unix.h", "linux/sunrpc/clnt.h", "linux/bpf.h",
    "linux/bpf_verifier.h", "linux/btf.h", "linux/compat.h", "linux/fs_context.h", "linux/fs_parser.h",
    "linux/mm_inline.h", "linux/rmap.h", "linux/cpufreq.h", "linux/clk.h", "linux/gpio/consumer.h",
    "linux/power_supply.h", "linux/thermal.h", "linux/hwmon.h", "linux/udp.h", "linux/tcp.h",
    "linux/inetdevice.h", "linux/if_arp.h", "linux/icmpv6.h", "net/pkt_cls.h",
)  # fmt: skip
ROWS = (CORE, MORE, SUBSYSTEMS)
