/* What no kernel has, behind questions of which some say that it is not there: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <linux/version.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "hard.h"

struct task_struct {
	int tgid;
} __core;
struct task_struct___made_up {
	int made_up;
} __core;
struct made_up {
	int one;
} __core;
enum made_up_numbers { MADE_UP_NUMBER = 7 };
enum bpf_map_type___made_up { BPF_MAP_TYPE_MADE_UP = 4711 };

extern int LINUX_KERNEL_VERSION __kconfig;
const volatile int never;
int sum;

SEC("raw_tp/sys_enter")
int behind_field(void *ctx)
{
	if (bpf_core_field_exists(struct task_struct___made_up, made_up))
		return bpf_made_up();
	return 0;
}

SEC("raw_tp/sys_enter")
int behind_type(void *ctx)
{
	return bpf_core_type_exists(struct made_up) ? bpf_made_up() : 0;
}

SEC("raw_tp/sys_enter")
int behind_size(void *ctx)
{
	return bpf_core_type_size(struct made_up) > 0 ? bpf_made_up() : 0;
}

SEC("raw_tp/sys_enter")
int behind_enum(void *ctx)
{
	return bpf_core_enum_value_exists(enum made_up_numbers, MADE_UP_NUMBER) ? bpf_made_up() : 0;
}

SEC("raw_tp/sys_enter")
int behind_enumerator(void *ctx)
{
	return bpf_core_enum_value_exists(enum bpf_map_type___made_up, BPF_MAP_TYPE_MADE_UP) ? bpf_made_up() : 0;
}

/* Two answers, one of them no. */
SEC("raw_tp/sys_enter")
int behind_both(void *ctx)
{
	if (bpf_core_field_exists(struct task_struct, tgid) && bpf_core_type_exists(struct made_up))
		return bpf_made_up();
	return 0;
}

SEC("raw_tp/sys_enter")
int behind_either(void *ctx)
{
	if (bpf_core_field_exists(struct task_struct___made_up, made_up) || bpf_core_type_exists(struct made_up))
		return bpf_made_up();
	return 0;
}

SEC("raw_tp/sys_enter")
int behind_absence(void *ctx)
{
	if (!bpf_core_field_exists(struct task_struct, tgid))
		return bpf_made_up();
	return 0;
}

SEC("raw_tp/sys_enter")
int behind_open_door(void *ctx)
{
	if (bpf_core_field_exists(struct task_struct, tgid))
		return bpf_made_up();
	return 0;
}

SEC("raw_tp/sys_enter")
int behind_version(void *ctx)
{
	return LINUX_KERNEL_VERSION >= KERNEL_VERSION(99, 0, 0) ? bpf_made_up() : 0;
}

/* A constant that is 0 when it is loaded. */
SEC("raw_tp/sys_enter")
int behind_constant(void *ctx)
{
	return never ? bpf_made_up() : 0;
}

SEC("raw_tp/sys_enter")
int on_one_way(void *ctx)
{
	return bpf_get_prandom_u32() & 1 ? bpf_made_up() : 0;
}

SEC("raw_tp/sys_enter")
int on_every_way(void *ctx)
{
	if (bpf_get_prandom_u32() & 1)
		sum += bpf_made_up();
	else
		sum -= bpf_made_up();
	return 0;
}

static __attribute__((noinline)) int in_static(int number)
{
	return bpf_made_up() + number;
}

SEC("raw_tp/sys_enter")
int calls_static(void *ctx)
{
	return in_static(sum);
}

SEC("raw_tp/sys_enter")
int calls_static_behind_type(void *ctx)
{
	return bpf_core_type_exists(struct made_up) ? in_static(sum) : 0;
}

/* Kernels before 6.8 look at every global function, called or not. */
__attribute__((noinline)) int in_global(int number)
{
	sum += number;
	return bpf_made_up() + number;
}

SEC("raw_tp/sys_enter")
int calls_global(void *ctx)
{
	return in_global(sum);
}

SEC("raw_tp/sys_enter")
int calls_global_behind_type(void *ctx)
{
	return bpf_core_type_exists(struct made_up) ? in_global(sum) : 0;
}

static long step(__u32 index, void *data)
{
	return bpf_made_up();
}

SEC("raw_tp/sys_enter")
int hands_on(void *ctx)
{
	return bpf_loop(2, step, 0, 0);
}

SEC("raw_tp/sys_enter")
int hands_on_behind_type(void *ctx)
{
	return bpf_core_type_exists(struct made_up) ? bpf_loop(2, step, 0, 0) : 0;
}

SEC("?raw_tp/sys_enter")
int not_loaded(void *ctx)
{
	return bpf_made_up();
}

char LICENSE[] SEC("license") = "GPL";
