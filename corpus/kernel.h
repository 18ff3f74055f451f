/*
 * What the programs of this corpus need of a kernel: real struct tags and field names, so that operations are found
 * by (tag, field) as in a kernel tree, and the prototypes of checks, accessors and made-up controlled operations.
 * Plain C99, no conditional text: both front ends read it.
 */

typedef _Bool bool;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned short umode_t;
typedef unsigned long size_t;
typedef long ssize_t;
typedef long long loff_t;
typedef int pid_t;

#define NULL 0
#define true 1
#define false 0

#define EPERM 1
#define ENOENT 2
#define ESRCH 3
#define EINTR 4
#define EBADF 9
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define EXDEV 18
#define EINVAL 22
#define ENOTTY 25
#define ENOSYS 38
#define EOPNOTSUPP 95
#define ENOIOCTLCMD 515

#define MAY_EXEC 1
#define MAY_WRITE 2
#define S_PRIVATE 512
#define MAY_READ 4
#define MAY_APPEND 8
#define MAY_ACCESS 16
#define MAY_OPEN 32
#define MAY_NOT_BLOCK 128

#define O_WRONLY 1
#define O_RDWR 2
#define O_TRUNC 512
#define O_APPEND 1024

#define FMODE_READ 1
#define FMODE_WRITE 2

#define CAP_CHOWN 0
#define CAP_KILL 5
#define CAP_NET_BIND_SERVICE 10
#define CAP_NET_ADMIN 12
#define CAP_NET_RAW 13
#define CAP_SYS_RAWIO 17
#define CAP_SYS_PTRACE 19
#define CAP_SYS_ADMIN 21
#define CAP_SYS_RESOURCE 24

#define PTRACE_MODE_READ_FSCREDS 9
#define PTRACE_MODE_READ_REALCREDS 17
#define PTRACE_MODE_ATTACH_REALCREDS 18

#define READ 0
#define WRITE 1

#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define AF_INET 2

#define F_SETOWN 8
#define F_GETOWN 9
#define F_SETLK 6

#define GENL_ADMIN_PERM 1

#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_SHARED 1

#define GFP_KERNEL 3264

struct inode;
struct dentry;
struct file;
struct path;
struct task_struct;
struct vm_area_struct;
struct socket;
struct sock;
struct net;
struct net_device;
struct nlattr;
struct mnt_idmap;
struct io_uring_cmd;
struct kiocb;
struct sockaddr;
struct msghdr;
struct kernel_siginfo;
struct rlimit;
struct work_struct;
struct gadget;
struct sk_buff;
struct genl_info;

struct user_namespace {
	struct user_namespace *parent;
	int level;
};

struct cred {
	u32 uid;
	u32 euid;
	struct user_namespace *user_ns;
};

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

struct mutex {
	int held;
};

struct rw_semaphore {
	int count;
};

struct spinlock {
	int slock;
};

/* files and names */

struct inode_operations {
	struct dentry *(*lookup)(struct inode *dir, struct dentry *dentry, unsigned int flags);
	int (*create)(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode, bool excl);
	int (*link)(struct dentry *old, struct inode *dir, struct dentry *dentry);
	int (*unlink)(struct inode *dir, struct dentry *dentry);
	int (*symlink)(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, const char *target);
	int (*mkdir)(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode);
	int (*rmdir)(struct inode *dir, struct dentry *dentry);
	int (*rename)(struct mnt_idmap *idmap, struct inode *old_dir, struct dentry *old_dentry,
		      struct inode *new_dir, struct dentry *new_dentry, unsigned int flags);
	int (*setattr)(struct mnt_idmap *idmap, struct dentry *dentry, int *attr);
};

struct super_block {
	unsigned long s_flags;
	struct user_namespace *s_user_ns;
};

struct inode {
	umode_t i_mode;
	unsigned int i_flags;
	u32 i_uid;
	const struct inode_operations *i_op;
	struct super_block *i_sb;
	loff_t i_size;
	void *i_private;
};

struct dentry {
	struct dentry *d_parent;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
	struct mnt_idmap *mnt_idmap;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file_operations {
	int (*open)(struct inode *inode, struct file *file);
	ssize_t (*read)(struct file *file, char *buf, size_t count, loff_t *pos);
	ssize_t (*write)(struct file *file, const char *buf, size_t count, loff_t *pos);
	ssize_t (*read_iter)(struct kiocb *iocb, void *iter);
	ssize_t (*write_iter)(struct kiocb *iocb, void *iter);
	long (*unlocked_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
	long (*compat_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
	int (*mmap)(struct file *file, struct vm_area_struct *vma);
	int (*uring_cmd)(struct io_uring_cmd *ioucmd, unsigned int issue_flags);
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	const struct cred *f_cred;
	struct path f_path;
	struct inode *f_inode;
	const struct file_operations *f_op;
	loff_t f_pos;
	void *private_data;
};

struct fd {
	struct file *file;
	unsigned int flags;
};

struct kiocb {
	struct file *ki_filp;
	loff_t ki_pos;
	int ki_flags;
};

struct io_uring_cmd {
	struct file *file;
	u32 cmd_op;
	u32 flags;
};

struct iovec {
	void *iov_base;
	size_t iov_len;
};

/* tasks and memory */

struct mm_struct {
	struct rw_semaphore mmap_lock;
	unsigned long total_vm;
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	unsigned long vm_flags;
	unsigned long vm_pgoff;
	struct mm_struct *vm_mm;
	struct file *vm_file;
	struct vm_area_struct *vm_next;
};

struct rlimit {
	unsigned long rlim_cur;
	unsigned long rlim_max;
};

struct signal_struct {
	struct rw_semaphore exec_update_lock;
	struct rlimit rlim[16];
};

struct task_struct {
	pid_t pid;
	const struct cred *cred;
	const struct cred *real_cred;
	struct mm_struct *mm;
	struct signal_struct *signal;
	struct task_struct *group_leader;
};

/* sockets and network devices */

struct net {
	struct user_namespace *user_ns;
	int ifindex;
};

struct net_device {
	int ifindex;
	int mtu;
	void *priv;
};

struct sock {
	struct socket *sk_socket;
	struct net *sk_net;
	int sk_protocol;
};

struct proto_ops {
	int family;
	int (*bind)(struct socket *sock, struct sockaddr *addr, int len);
	int (*connect)(struct socket *sock, struct sockaddr *addr, int len, int flags);
	int (*listen)(struct socket *sock, int backlog);
	int (*sendmsg)(struct socket *sock, struct msghdr *msg, size_t len);
	int (*recvmsg)(struct socket *sock, struct msghdr *msg, size_t len, int flags);
	int (*shutdown)(struct socket *sock, int how);
};

struct socket {
	int state;
	short type;
	struct file *file;
	struct sock *sk;
	const struct proto_ops *ops;
};

struct net_proto_family {
	int family;
	int (*create)(struct net *net, struct socket *sock, int protocol, int kern);
};

struct rtnl_link_ops {
	const char *kind;
	int (*newlink)(struct net *src_net, struct net_device *dev, struct nlattr **tb);
	int (*changelink)(struct net_device *dev, struct nlattr **tb, struct nlattr **data);
};

struct radio;
struct mm_struct;

struct radio_command {
	int (*run)(struct radio *radio);
	unsigned int flags;
};

struct genl_ops {
	int cmd;
	unsigned int flags;
	int (*doit)(struct sk_buff *skb, struct genl_info *info);
};

struct work_struct {
	void (*func)(struct work_struct *work);
};

/* IPC and keys */

struct kern_ipc_perm {
	int id;
	u32 uid;
	umode_t mode;
};

struct msg_queue {
	struct kern_ipc_perm q_perm;
	unsigned long q_qbytes;
};

struct key {
	int serial;
	u32 uid;
	u32 perm;
};

/* The made-up subsystem: things, and gadgets with an operations table. corpus/rules.toml says what they need. */

struct thing {
	int id;
	int state;
	int kind;
	struct thing *parent;
	struct thing *next;
	struct gadget *owner;
	struct list_head entry;
};

struct gadget_operations {
	int (*start)(struct gadget *gadget);
	int (*stop)(struct gadget *gadget);
	int (*reset)(struct gadget *gadget, int hard);
	int (*tune)(struct gadget *gadget, struct thing *thing);
};

struct gadget {
	int level;
	int secret;
	int users;
	struct thing *thing;
	struct net *net;
	const struct gadget_operations *ops;
};

struct box {
	struct mutex lock;
	struct thing thing;
	struct thing *spare;
	struct thing *slots[8];
	int used;
};

void controlled_op(struct thing *thing);
int controlled_status(struct thing *thing);
void controlled_pair(struct thing *from, struct thing *to);
void erase_thing(struct thing *thing);
void share_thing(struct thing *thing);
void open_thing(struct thing *thing, int flags);
void read_through(struct file *file);
void write_through(struct file *file);
void exchange_through(struct file *file);
void change_inode(struct inode *inode);
void store_owner(struct mnt_idmap *idmap, struct inode *inode, u32 uid);
void configure_net(struct net *net);
void configure_radio(struct sock *sk);
void write_config(struct file *file, int value);
void forward_signal(struct task_struct *task, struct kernel_siginfo *info, int sig, const struct cred *cred);
void peek_task(struct task_struct *task);
void read_task_memory(struct task_struct *task);
void write_stream(struct file *file, int value);
void switch_radio(struct radio *radio);
void map_memory(struct mm_struct *mm);
void copy_region(struct box *box);
void store_limit(struct task_struct *task, unsigned int resource, struct rlimit *limit);
void reboot_machine(int how);
void install_mapping(struct file *file, unsigned long prot, unsigned long flags);

/* Operations of the re-enacted bugs in history/. */
void place_lock(struct file *file, unsigned int cmd);
long run_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
void attach_raw(struct net *net, struct sock *sk);
struct sock *new_sock(struct net *net, int protocol);

/* checks */

int security_thing(struct thing *thing);
int security_thing_pair(struct thing *from, struct thing *to);
int security_thing_truncate(struct thing *thing);
int security_gadget(struct gadget *gadget);
int security_inode_create(struct inode *dir, struct dentry *dentry, umode_t mode);
int security_inode_link(struct dentry *old, struct inode *dir, struct dentry *dentry);
int security_inode_unlink(struct inode *dir, struct dentry *dentry);
int security_inode_mkdir(struct inode *dir, struct dentry *dentry, umode_t mode);
int security_inode_rmdir(struct inode *dir, struct dentry *dentry);
int security_inode_rename(struct inode *old_dir, struct dentry *old_dentry, struct inode *new_dir,
			  struct dentry *new_dentry, unsigned int flags);
int security_file_permission(struct file *file, int mask);
int security_inode_permission(struct inode *inode, int mask);
int security_file_open(struct file *file);
int security_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int security_file_ioctl_compat(struct file *file, unsigned int cmd, unsigned long arg);
int security_file_fcntl(struct file *file, unsigned int cmd, unsigned long arg);
int security_file_lock(struct file *file, unsigned int cmd);
int security_mmap_file(struct file *file, unsigned long prot, unsigned long flags);
int security_task_kill(struct task_struct *task, struct kernel_siginfo *info, int sig, const struct cred *cred);
int security_task_setrlimit(struct task_struct *task, unsigned int resource, struct rlimit *limit);
int security_uring_cmd(struct io_uring_cmd *ioucmd);
int security_socket_create(int family, int type, int protocol, int kern);
int security_socket_bind(struct socket *sock, struct sockaddr *addr, int len);
int security_socket_connect(struct socket *sock, struct sockaddr *addr, int len);
int security_socket_listen(struct socket *sock, int backlog);
int security_socket_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
int security_msg_queue_msgctl(struct kern_ipc_perm *perm, int cmd);
int security_locked_down(int what);

int inode_permission(struct mnt_idmap *idmap, struct inode *inode, int mask);
bool inode_owner_or_capable(struct mnt_idmap *idmap, struct inode *inode);
bool capable(int cap);
bool ns_capable(struct user_namespace *ns, int cap);
bool file_ns_capable(struct file *file, struct user_namespace *ns, int cap);
bool sk_capable(struct sock *sk, int cap);
bool ptrace_may_access(struct task_struct *task, unsigned int mode);
struct mm_struct *mm_access(struct task_struct *task, unsigned int mode);
struct mm_struct *get_task_mm(struct task_struct *task);
bool same_thread_group(struct task_struct *one, struct task_struct *other);

/* accessors and look-ups */

extern struct user_namespace init_user_ns;
extern struct mnt_idmap nop_mnt_idmap;

struct task_struct *get_current(void);
const struct cred *current_cred(void);
struct user_namespace *current_user_ns(void);
struct inode *file_inode(struct file *file);
struct inode *d_inode(struct dentry *dentry);
struct mnt_idmap *file_mnt_idmap(struct file *file);
struct net *sock_net(struct sock *sk);
struct net *dev_net(struct net_device *dev);
void *netdev_priv(struct net_device *dev);

bool IS_ERR(const void *ptr);
long PTR_ERR(const void *ptr);
void *ERR_PTR(long error);

struct file *fget(unsigned int fd);
void fput(struct file *file);
struct fd fdget(unsigned int fd);
void fdput(struct fd fd);
struct task_struct *find_task_by_vpid(pid_t pid);
struct task_struct *get_task_struct(struct task_struct *task);
void put_task_struct(struct task_struct *task);
int user_path_at(int dfd, const char *name, unsigned int flags, struct path *path);
void path_put(struct path *path);
struct dentry *lookup_one(const char *name, struct dentry *base, int len);
void dput(struct dentry *dentry);
struct vm_area_struct *vma_lookup(struct mm_struct *mm, unsigned long address);
struct file *get_file(struct file *file);
int get_user_iovec(struct iovec *iov, int at);

struct thing *find_thing(int id);
struct thing *new_thing(int kind);
void put_thing(struct thing *thing);
int lookup_thing(int id, struct thing **result);
struct gadget *find_gadget(int id);
struct box *find_box(int id);
bool thing_is_public(struct thing *thing);
void note_event(int what);
void log_thing(const struct thing *thing);
int parse_request(const char *text);
void *kmalloc(size_t size, unsigned int flags);
void kfree(const void *ptr);
int copy_from_user(void *to, const void *from, size_t count);
int copy_to_user(void *to, const void *from, size_t count);

void mutex_lock(struct mutex *lock);
void mutex_unlock(struct mutex *lock);
void down_read(struct rw_semaphore *sem);
void up_read(struct rw_semaphore *sem);
int down_read_killable(struct rw_semaphore *sem);
void mmap_read_lock(struct mm_struct *mm);
void mmap_read_unlock(struct mm_struct *mm);
void mmap_write_lock(struct mm_struct *mm);
void mmap_write_unlock(struct mm_struct *mm);

const struct cred *override_creds(const struct cred *cred);
void revert_creds(const struct cred *cred);
struct task_struct *kthread_run(int (*threadfn)(void *data), void *data, const char *name);
bool schedule_work(struct work_struct *work);
int register_thing_handler(int (*handler)(struct thing *thing));
