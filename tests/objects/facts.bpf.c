/* Asks a kernel for things in the ways that `check` has to tell apart (docs/facts.md). Never loaded. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define __core __attribute__((preserve_access_index))

struct task_struct {
	int tgid;
	unsigned old_state; /* no kernel of today has it */
	unsigned __state;
	struct {
		char comm[16];
	};
} __core;
struct task_struct___new {
	struct {
		unsigned __state;
	};
} __core;
enum made_up { MADE_UP = 4711 };

extern int bpf_made_up(int number) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym;
extern const int made_up_variable __ksym __weak;
extern int LINUX_KERNEL_VERSION __kconfig;
extern int CONFIG_MADE_UP __kconfig __weak;

__u64 seen;
const volatile _Bool wanted;

/* Whichever of two fields the kernel has. */
SEC("tp_btf/sched_switch")
int either_field(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[1];
	if (bpf_core_field_exists(struct task_struct___new, __state))
		seen = BPF_CORE_READ((struct task_struct___new *)task, __state);
	else
		seen = BPF_CORE_READ(task, old_state);
	return 0;
}

/* Each way leads over it. */
SEC("raw_tp/sched_switch")
int always_field(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[1];
	seen = BPF_CORE_READ(task, old_state);
	return 0;
}

SEC("raw_tp/sched_switch")
int sometimes_field(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[1];
	char comm[16];
	if (wanted)
		BPF_CORE_READ_INTO(&comm, task, comm);
	seen = comm[3];
	return 0;
}

static __attribute__((noinline)) int write(void *to)
{
	return bpf_probe_write_user(to, &seen, sizeof(seen));
}

/* Where it is called from is what counts. */
SEC("kprobe/do_nothing")
int through_a_function(void *ctx)
{
	if (bpf_core_enum_value_exists(enum made_up, MADE_UP))
		return write(ctx);
	return 0;
}

static long each(__u32 index, void *data)
{
	return bpf_get_prandom_u32() + index == 7;
}

SEC("fentry.s/do_nothing")
int with_functions(void *ctx)
{
	if (bpf_ksym_exists(bpf_made_up))
		bpf_made_up(1);
	bpf_rcu_read_lock();
	bpf_loop(3, each, &seen, 0);
	return LINUX_KERNEL_VERSION + CONFIG_MADE_UP + (&made_up_variable ? 1 : 0);
}

SEC("?xdp.frags")
int frames(struct xdp_md *ctx)
{
	return XDP_PASS;
}
SEC("?xdp.frags")
int more_frames(struct xdp_md *ctx)
{
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
