/* Types of one name that are not the same: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "hard.h"

/* Only declared: of that kind, kernels have none of its name. */
struct task_struct;
struct task_struct___full {
	int tgid;
} __core;
/* A struct in kernels. */
union mm_struct {
	int one;
} __core;
/* A number in kernels. */
typedef struct {
	int one;
} pid_t;
typedef int gfp_t;
/* Two in kernels, of different sizes. */
struct syscall_tp_t {
	int syscall_nr;
	unsigned long ret;
} __core;
struct getdents_callback {
	int sequence;
} __core;

long sum;

SEC("raw_tp/sys_enter")
int declared_only(void *ctx)
{
	return bpf_core_type_exists(struct task_struct) ? bpf_made_up() : 0;
}

SEC("raw_tp/sys_enter")
int with_flavor(void *ctx)
{
	return bpf_core_type_exists(struct task_struct___full) ? 0 : bpf_made_up();
}

SEC("raw_tp/sys_enter")
int another_kind(void *ctx)
{
	return bpf_core_type_exists(union mm_struct) ? bpf_made_up() : 0;
}

SEC("raw_tp/sys_enter")
int typedef_of_another_kind(void *ctx)
{
	return bpf_core_type_exists(pid_t) ? bpf_made_up() : 0;
}

SEC("raw_tp/sys_enter")
int typedef_of_the_kind(void *ctx)
{
	return bpf_core_type_exists(gfp_t) ? 0 : bpf_made_up();
}

#define TWINS(name)                                                                                                    \
	SEC("raw_tp/sys_enter")                                                                                        \
	int size_of_##name(void *ctx)                                                                                  \
	{                                                                                                              \
		sum += bpf_core_type_size(struct name);                                                                \
		return 0;                                                                                              \
	}                                                                                                              \
	SEC("raw_tp/sys_enter")                                                                                        \
	int id_of_##name(void *ctx)                                                                                    \
	{                                                                                                              \
		sum += bpf_core_type_id_kernel(struct name);                                                           \
		return 0;                                                                                              \
	}
TWINS(syscall_tp_t)
TWINS(getdents_callback)

/* In one of them. */
SEC("raw_tp/sys_enter")
int field_of_twin(void *ctx)
{
	struct syscall_tp_t *place = (void *)bpf_get_current_task();
	sum += BPF_CORE_READ(place, ret);
	return 0;
}

/* In both, at the same place. */
SEC("raw_tp/sys_enter")
int field_of_twins(void *ctx)
{
	struct syscall_tp_t *place = (void *)bpf_get_current_task();
	sum += BPF_CORE_READ(place, syscall_nr);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
