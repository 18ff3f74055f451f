/* One of everything that both front ends read: the printed graphs of the two are compared. Not a sensible program. */
#define LIMIT 12
#define BOTH (MAY_READ | MAY_WRITE)
#define MAY_READ 4
#define MAY_WRITE 2
typedef _Bool bool;
typedef unsigned long size_t;
typedef int (*handler_t)(int, void *);
typedef struct { int low; unsigned high; } pair_t;
enum color { RED, GREEN = 5, BLUE, FAR = -3 };
struct inner { int a; union { int b; long c; }; struct { int d; } named; };
struct ops { int (*open)(struct inner *in, int flags); void (*close)(struct inner *); const char *name; };
struct outer { struct inner in; struct inner *ptr; struct inner many[4]; const struct ops *ops; unsigned char bits; pair_t pair; int nums[2][3]; };
extern int far_away(int, ...);
int plain(int);
void gone(void) __attribute__((noreturn));
static int do_open(struct inner *in, int flags) { return in->a + flags; }
static void do_close(struct inner *in) { in->b = 0; }
static const struct ops table = { .open = do_open, .close = do_close, .name = "tab\"le" };
static const struct ops tables[] = { { do_open, do_close, "x" }, [2] = { .open = &do_open }, [3].name = "y" };
struct outer first = { .in.a = 1, .in.b = 2, .ptr = &first.in, .many = { { 1, 2, { 3 } }, 4, 5, 6 }, .ops = &table, .nums = { 1, 2, 3, { 4 } } };
int counter = 3, other_counter;
static int lonely;
char text[] = "hello", *point = "world";
int numbers[] = { 1, 2, 3 };
handler_t handlers[] = { 0, 0 };
static inline int helper(pair_t *p) { return p->low + (int)p->high; }
void release(int *p);
void release_ptr(struct inner **p);
__attribute__((noreturn)) static void stop(void) { for (;;) ; }
int __attribute__((__weak__)) weak_one(void) { return 1; }
static int __attribute__((__section__(".init.text"))) start_up(void) { return 0; }
struct inner *get_inner(struct outer *o)
{
	return &o->in;
}
int
split_over
(int a,
 int b)
{
	return a +
		b;
}
int consts(unsigned long x, unsigned char c)
{
	int y = ~0;
	unsigned u = -1;
	unsigned long v = ~0UL, w = ~(unsigned long)BOTH, z = 1UL << 63;
	long s = sizeof(struct outer) + sizeof(x) + sizeof x + sizeof(int[3]) + sizeof("abc") + sizeof first.many;
	char ch = '\n' + '\x41' + '\0' + 'a' + '\'';
	int neg = -(LIMIT) + (int)0xffffffff + (unsigned char)300 + (bool)7 + (short)0x12345;
	int cmp = (-1 < 0u) + (1 == 1) + (FAR < RED) + (10 / 3) + (-7 / 2) + (-7 % 3) + (7 >> 1);
	unsigned long big = 0xffffffffffffffff, oct = 0755, hex = 0x7fffffff + 1u;
	int off = __builtin_offsetof(struct outer, many) + (c ? 1 : 2) + (1 ? y : s) + (0 ? y : 3);
	return y + u + v + w + z + s + ch + neg + cmp + big + oct + hex + off + !x + -c + +c + ~c + !5 + (x && 1) + (0 || x) + (1 && x == 2);
}
int flow(struct outer *o, int n, const int *list)
{
	int i, x = 0, *p = &x;
	struct inner local = { 1, 2 }, copy = local, blank;
	struct inner arr[2] = { { .a = n }, o->in };
	pair_t pr = { .high = 3 };
	int x1 = x++, x2 = ++x, x3 = x--;
	for (i = 0; i < n; i++) {
		int x = i;
		if (x == 3)
			continue;
		else if (x == 4)
			break;
		else if (x == 5) {
			int x = 7;
			o->many[x].a += x;
		} else
			o->nums[i][x] |= BOTH;
	}
	for (int i = 0, k = 2; ; i++, k--) { if (i + k > 3) break; }
	for (;;) { if (n--) break; if (n > 9) goto out; }
	while (n && *list++ != 0)
		n -= *list;
	do { n = plain(n); } while (n > 2);
	do n++; while (0);
	switch (n) {
	case 1:
	case GREEN: {
		int x = 5;
		n = x;
		break;
	}
	case -1:
		n = 2;
	default:
		n = 3;
		break;
	case BLUE + 1:
		return 4;
	}
	if (o->ops->open && (n = o->ops->open(&o->in, 3)) < 0)
		return n;
	(*o->ops->close)(&o->many[2]);
	(&o->in)->a = (*o).ptr->named.d, o->in.c = (long)(void *)p;
	*&x = *p + p[1] + (*p)++ + *p++;
	local = o->in;
	copy = (struct inner){ .a = 1, .named = { 2 } };
	helper(&(pair_t){ 1, 2 });
	blank.named.d = pr.low ? plain(1) : plain(2);
	n ? plain(3) : plain(4);
	n && plain(5);
	x = n ? 1 : plain(6), n = !n;
	static int calls = 4;
	static const struct ops mine = { .open = do_open };
	calls++;
	if (!n)
		stop();
	if (calls > 3 || (n && !x)) {
		gone();
	}
	return !!n + far_away(1, "a" "b", mine.open, table.name, handlers[1](2, 0)) + lonely + x1 + x2 + x3 + arr[1].a;
out:
	n = 1;
again:
	;
	return n ? x : -1;
}
int cleaned(int n)
{
	int a __attribute__((cleanup(release))) = plain(1);
	struct inner *q __attribute__((__cleanup__(release_ptr))) = get_inner(&first), *r = q;
	if (n)
		return a;
	{
		int b __attribute__((cleanup(release)));
		b = 2;
		while (b) {
			int c __attribute__((cleanup(release))) = 3;
			if (c == n)
				goto done;
			if (c > n)
				break;
		}
	}
	for (int d __attribute__((cleanup(release))) = 1; d < n; d++)
		if (d == 2)
			continue;
done:
	return r->a;
}
void nothing(void) { ; }
void (*chosen(int a))(int) { return 0; }
int params(int, int (*cb)(int), int arr[], struct outer by_value, handler_t h, void fn(int))
{ fn(1); return cb(arr[0]) + by_value.in.a + h(1, &by_value) + (*h)(2, 0); }
int unsigned_compare(unsigned a, size_t n) { extern int elsewhere; if (a > -1) return elsewhere; enum { HERE = 4 } e = HERE; struct here { int z; } h = { e }; return h.z + (int)n; }
int floats(double d) { return d > 1.5 ? 1 : 0; }
int commas(int a, int b) { return (a = 1, b = 2, a + b); }
union either { int i; void *p; };
int unions(union either e, struct { int q; } *anon) { union either f = { 3 }; union either g = { .p = &f }; return e.i + f.i + g.i + anon->q; }
static const bool chosen_at_build = 0;
static const int step = 3, *where = &step;
int fixed(int n) { const int own = 4; if (chosen_at_build) return plain(n); return n + step + own + *(&step); }
int table_sized[2 + 1];
