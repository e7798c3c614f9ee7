#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check/against.h"
#include "check/check.h"
#include "check/core_lookup.h"
#include "live.h"
#include "modules.h"
#include "unit.h"
#include "util/cleanup.h"

static struct iov_ctx *ctx;
static struct iov_kernel kernel;

static void add_enum(const char *name, const char *const *words, size_t count)
{
	ck_assert_int_gt(btf__add_enum(kernel.btf, name, 4), 0);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(btf__add_enum_value(kernel.btf, words[i], (int64_t)i), 0);
}

/*
 * A kernel with a hash, XDP, tracing and raw tracepoints:
 *   struct inner { union { int deep; }; };
 *   struct task_struct { int tgid; struct inner; struct inner list[4]; int tail[]; struct task_struct *next; };
 *   struct twin { int a; int b; }; struct twin { int b; };
 *   int bpf_there(void), bpf_other(void), bpf_odd(void), bpf_lsm_open(void), bpf_lsm_shut(void); int there;
 */
static void make_types(void)
{
	static const char *const types[] = {"BPF_PROG_TYPE_UNSPEC", "BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_TRACING",
					    "BPF_PROG_TYPE_RAW_TRACEPOINT", "BPF_PROG_TYPE_LSM"};
	static const char *const maps[] = {"BPF_MAP_TYPE_UNSPEC", "BPF_MAP_TYPE_HASH"};
	static const char *const attaches[] = {"BPF_XDP", "BPF_TRACE_RAW_TP", "BPF_TRACE_FENTRY", "BPF_MODIFY_RETURN",
					       "BPF_LSM_MAC"};
	static const char *const helpers[] = {"BPF_FUNC_unspec", "BPF_FUNC_map_lookup_elem", "BPF_FUNC_skb_load_bytes",
					      "BPF_FUNC_d_path"};
	static const char *const functions[] = {"bpf_there", "bpf_other", "bpf_odd", "bpf_lsm_open", "bpf_lsm_shut"};
	struct btf *btf = kernel.btf;
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int within = btf__add_union(btf, NULL, 4);
	btf__add_field(btf, "deep", number, 0, 0);
	int inner = btf__add_struct(btf, "inner", 4);
	btf__add_field(btf, "", within, 0, 0);
	int list = btf__add_array(btf, number, inner, 4), tail = btf__add_array(btf, number, number, 0);
	int pointer = btf__add_ptr(btf, 0);
	int task = btf__add_struct(btf, "task_struct___v2", 40);
	btf__add_field(btf, "tgid", number, 0, 0);
	btf__add_field(btf, NULL, inner, 32, 0);
	btf__add_field(btf, "list", list, 64, 0);
	btf__add_field(btf, "next", pointer, 192, 0);
	btf__add_field(btf, "tail", tail, 256, 0);
	btf__add_struct(btf, "twin", 8);
	btf__add_field(btf, "a", number, 0, 0);
	btf__add_field(btf, "b", number, 32, 0);
	btf__add_struct(btf, "twin", 4);
	btf__add_field(btf, "b", number, 0, 0);
	int prototype = btf__add_func_proto(btf, number);
	for (size_t i = 0; i < IOV_COUNT(functions); i++)
		btf__add_func(btf, functions[i], BTF_FUNC_STATIC, prototype);
	btf__add_var(btf, "there", BTF_VAR_GLOBAL_ALLOCATED, number);
	btf__add_typedef(btf, "number_t", number);
	btf__add_typedef(btf, "btf_trace_there", task);
	add_enum("bpf_prog_type", types, IOV_COUNT(types));
	add_enum("bpf_map_type", maps, IOV_COUNT(maps));
	add_enum("bpf_attach_type", attaches, IOV_COUNT(attaches));
	add_enum("bpf_func_id", helpers, IOV_COUNT(helpers));
	ck_assert_int_gt(btf__add_enum(btf, NULL, 4), 0);
	btf__add_enum_value(btf, "BPF_F_NO_PREALLOC", 1);
	btf__add_enum_value(btf, "BPF_F_MMAPABLE", 1024);
}

static void setup(void)
{
	ctx = unit_ctx();
	kernel = (struct iov_kernel){.name = strdup("1.0"), .btf = btf__new_empty()};
	ck_assert_ptr_nonnull(kernel.btf);
	make_types();
	kernel.facts =
		unit_json("{'schema':1,'modules':[],'helpers':['get_prandom_u32'],'maps':['hash'],'no_maps':['array'],"
			  "'programs':[{'kinds':['xdp','tracing/trace_raw_tp'],'helpers':['map_lookup_elem','kfunc "
			  "bpf_there']},{'kinds':['tracing/trace_fentry','tracing/trace_fentry.s',"
			  "'tracing/modify_return','lsm/lsm_mac','lsm/lsm_mac.s'],'helpers':['d_path']}],"
			  "'no_programs':['raw_tracepoint'],'odd_kfuncs':['bpf_odd'],'no_hooks':['shut'],"
			  "'sleepable_hooks':[],'variables':true,'config':true}");
}

static void teardown(void)
{
	iov_kernel_release(&kernel);
	unit_ctx_free(ctx);
}

static void free_object(struct iov_object **object)
{
	iov_object_free(*object);
}

static const struct {
	const char *need;
	enum iov_lookup found;
} lookups[] = {
	{"'type':'struct task_struct','field':'tgid','is':'int'", IOV_LOOKUP_FOUND},
	{"'type':'struct task_struct','field':'tgid','is':'pointer'", IOV_LOOKUP_NO_MEMBER},
	{"'type':'struct task_struct','field':'deep','is':'int'", IOV_LOOKUP_FOUND},
	{"'type':'struct task_struct','field':'list[3].deep','is':'int'", IOV_LOOKUP_FOUND},
	{"'type':'struct task_struct','field':'list[4].deep','is':'int'", IOV_LOOKUP_NO_MEMBER},
	{"'type':'struct task_struct','field':'list','is':'[]composite'", IOV_LOOKUP_FOUND},
	{"'type':'struct task_struct','field':'list','is':'[]int'", IOV_LOOKUP_NO_MEMBER},
	{"'type':'struct task_struct','field':'tail[77]','is':'int'", IOV_LOOKUP_FOUND},
	{"'type':'struct task_struct','field':'tail','is':'[]int'", IOV_LOOKUP_FOUND},
	{"'type':'struct task_struct','field':'next','is':'pointer'", IOV_LOOKUP_FOUND},
	{"'type':'struct task_struct','field':'next.deep','is':'int'", IOV_LOOKUP_NO_MEMBER},
	{"'type':'struct task_struct','field':'tgi','is':'int'", IOV_LOOKUP_NO_MEMBER},
	{"'type':'union task_struct','field':'tgid','is':'int'", IOV_LOOKUP_NO_TYPE},
	{"'type':'struct task','field':'tgid','is':'int'", IOV_LOOKUP_NO_TYPE},
	{"'type':'struct twin','field':'a','is':'int'", IOV_LOOKUP_FOUND},
	{"'type':'struct twin','field':'b','is':'int'", IOV_LOOKUP_SEVERAL},
	{"'type':'enum bpf_map_type','enumerator':'BPF_MAP_TYPE_HASH'", IOV_LOOKUP_FOUND},
	{"'type':'enum bpf_map_type','enumerator':'BPF_MAP_TYPE_HAS'", IOV_LOOKUP_NO_MEMBER},
	{"'type':'typedef btf_trace_there'", IOV_LOOKUP_FOUND},
	{"'type':'typedef number_t','is':'int'", IOV_LOOKUP_FOUND},
	{"'type':'typedef number_t','is':'struct'", IOV_LOOKUP_NO_TYPE},
	{"'type':'declared task_struct'", IOV_LOOKUP_NO_TYPE},
	{"'type':'struct task_struct','field':'tgid','is':'int','bytes':4,'signed':true", IOV_LOOKUP_FOUND},
	{"'type':'struct task_struct','field':'tgid','is':'int','bytes':8,'signed':true", IOV_LOOKUP_SIZE},
	{"'type':'struct task_struct','field':'tgid','is':'int','bytes':2", IOV_LOOKUP_SIZE},
	{"'type':'struct task_struct','field':'next','is':'pointer','bytes':4", IOV_LOOKUP_FOUND},
};

START_TEST(finds_what_libbpf_would)
{
	char text[256];
	snprintf(text, sizeof(text), "{'relocation':'byte_off',%s}", lookups[_i].need);
	iov_auto(iov_json_release) json_t *need = unit_json(text);
	ck_assert_int_eq(iov_core_lookup(&kernel, need), lookups[_i].found);
	kernel.types = iov_core_types_new(kernel.btf);
	ck_assert_int_eq(iov_core_lookup(&kernel, need), lookups[_i].found);
}
END_TEST

#define XDP "'programs':[{'name':'p','section':'xdp','type':'xdp','autoload':true}]"
#define RAW "'programs':[{'name':'p','section':'raw_tp/x','type':'raw_tracepoint','autoload':true}]"
#define EVENT "'programs':[{'name':'p','section':'tp_btf/x','type':'tracing','autoload':true}]"
#define LSM "'programs':[{'name':'p','section':'lsm/x','type':'lsm','autoload':true}]"
#define AT(attach, target, more) "'needs':[],'programs':[{'names':{'p':'" target "'},'attach':'" attach "'" more "}]"
#define TWIN(kind) "{'relocation':'" kind "','type':'struct twin'}"
#define OPTIONAL "'programs':[{'name':'p','section':'?raw_tp/x','type':'raw_tracepoint','autoload':false}]"
#define GROUP(more) "'programs':[{'names':{'p':''}" more "}]"
#define FIELD(name) "{'relocation':'byte_off','type':'struct task_struct','field':'" name "','is':'int'}"
#define EXISTS(name) "{'relocation':'field_exists','type':'struct task_struct','field':'" name "','is':'int'}"

static const struct {
	const char *license, *programs, *facts;
	enum iov_verdict verdict;
	const char *text; /* of the first reason */
} cases[] = {
	{"GPL", XDP, "'needs':[]," GROUP(), IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[{'helper':'map_lookup_elem'}]," GROUP(",'always':[0]"), IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[{'helper':'get_prandom_u32'}]," GROUP(",'always':[0]"), IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[{'helper':'loop'}]," GROUP(",'always':[0]"), IOV_FAILS,
	 "helper 'loop' is not in this kernel; Linux 5.17 brought it"},
	{"GPL", XDP, "'needs':[{'helper':'skb_load_bytes'}]," GROUP(",'always':[0]"), IOV_FAILS,
	 "helper 'skb_load_bytes' is not there for programs of this type; Linux 4.5 brought it"},
	{"GPL", XDP, "'needs':[{'helper':'loop'}]," GROUP(",'sometimes':[0]"), IOV_MAY_LOAD,
	 "brought it, and only a branch of the program needs it"},
	{"MIT", XDP, "'needs':[{'helper':'map_lookup_elem','gpl':true}]," GROUP(",'always':[0]"), IOV_FAILS,
	 "helper 'map_lookup_elem' may be called under a GPL-compatible"},
	{"GPL", RAW, "'needs':[]," GROUP(), IOV_FAILS,
	 "program type 'raw_tracepoint' is not taken by this kernel; Linux 4.17 brought it"},
	{"GPL", OPTIONAL, "'needs':[]," GROUP(), IOV_LOADS, "program type 'raw_tracepoint' is not taken"},
	{"GPL", EVENT, "'needs':[],'programs':[{'names':{'p':'there'},'attach':'trace_raw_tp'}]", IOV_LOADS, NULL},
	{"GPL", EVENT, "'needs':[],'programs':[{'names':{'p':'gone'},'attach':'trace_raw_tp'}]", IOV_FAILS,
	 "event 'gone' is not in this kernel"},
	{"GPL", XDP, "'needs':[],'programs':[{'names':{'p':''},'attach':'xdp_devmap'}]", IOV_FAILS,
	 "attach type 'xdp_devmap' is not in this kernel; Linux 5.8 brought it"},
	{"GPL", XDP, "'needs':[" FIELD("tgid") "]," GROUP(",'always':[0]"), IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[" FIELD("gone") "]," GROUP(",'always':[0]"), IOV_FAILS,
	 "field 'struct task_struct.gone' is not in this kernel"},
	{"GPL", XDP, "'needs':[" FIELD("gone") "]," GROUP(",'sometimes':[0]"), IOV_MAY_LOAD, "only a branch"},
	{"GPL", XDP, "'needs':[" EXISTS("gone") "]," GROUP(",'always':[0]"), IOV_LOADS, NULL},
	/* guarded by a field that is not there, or that is */
	{"GPL", XDP, "'needs':[" FIELD("gone") "," EXISTS("gone") "]," GROUP(",'guarded':[{'need':0,'absent':[1]}]"),
	 IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[" FIELD("gone") "," EXISTS("tgid") "]," GROUP(",'guarded':[{'need':0,'present':[1]}]"),
	 IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[" FIELD("gone") "," EXISTS("tgid") "]," GROUP(",'guarded':[{'need':0,'absent':[1]}]"),
	 IOV_MAY_LOAD, "only a branch"},
	/* names that the kernel resolves */
	{"GPL", XDP, "'needs':[{'kfunc':'bpf_gone'}]," GROUP(), IOV_FAILS, "kfunc 'bpf_gone' is not in this kernel"},
	{"GPL", XDP, "'needs':[{'kfunc':'bpf_there'}]," GROUP(), IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[{'kfunc':'bpf_there'}]," GROUP(",'always':[0]"), IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[{'kfunc':'bpf_there','is':'()int'}]," GROUP(",'always':[0]"), IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[{'kfunc':'bpf_there___new','is':'()int'}]," GROUP(",'always':[0]"), IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[{'kfunc':'bpf_there','is':'(*struct)int'}]," GROUP(",'always':[0]"), IOV_FAILS,
	 "kfunc 'bpf_there' has other parameters in this kernel"},
	{"GPL", XDP, "'needs':[{'kfunc':'bpf_other'}]," GROUP(",'always':[0]"), IOV_FAILS,
	 "kfunc 'bpf_other' is not there for programs of this type"},
	{"GPL", XDP, "'needs':[{'kfunc':'bpf_odd'}]," GROUP(",'always':[0]"), IOV_MAY_LOAD, "kfunc 'bpf_odd' is there"},
	{"MIT", XDP, "'needs':[{'kfunc':'bpf_there'}]," GROUP(",'always':[0]"), IOV_FAILS,
	 "kfunc 'bpf_there' may be called under a GPL-compatible"},
	{"GPL", XDP, "'needs':[{'kfunc':'bpf_gone','weak':true}]," GROUP(",'always':[0]"), IOV_FAILS,
	 "kfunc 'bpf_gone'"},
	{"GPL", XDP,
	 "'needs':[{'kfunc':'bpf_gone','weak':true},{'kfunc':'bpf_gone','weak':true,'asked':true}]," GROUP(
		 ",'always':[1],'guarded':[{'need':0,'absent':[1]}]"),
	 IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[{'ksym':'gone','typed':true}]," GROUP(), IOV_FAILS,
	 "symbol 'gone' is not in this kernel"},
	{"GPL", XDP, "'needs':[{'ksym':'gone'}]," GROUP(), IOV_MAY_LOAD, "is looked for in the symbols"},
	{"GPL", XDP, "'needs':[{'ksym':'gone','weak':true}]," GROUP(), IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[{'config':'LINUX_KERNEL_VERSION'}]," GROUP(), IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[{'config':'LINUX_GONE'}]," GROUP(), IOV_FAILS, "is no value of libbpf's"},
	{"GPL", XDP, "'needs':[{'config':'LINUX_GONE','weak':true}]," GROUP(), IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[{'config':'CONFIG_HZ'}]," GROUP(), IOV_MAY_LOAD, "is looked for in the configuration"},
	{"GPL", XDP, "'needs':[{'config':'CONFIG_HZ','weak':true}]," GROUP(), IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[{'ksym':'there','typed':true,'is':'int'}]," GROUP(",'always':[0]"), IOV_LOADS, NULL},
	{"GPL", XDP, "'needs':[{'ksym':'there','typed':true,'is':'struct'}]," GROUP(",'always':[0]"), IOV_FAILS,
	 "symbol 'there' is of another type in this kernel"},
	/* what is loaded for a function */
	{"GPL", EVENT, AT("trace_fentry", "bpf_there", ""), IOV_LOADS, NULL},
	{"GPL", EVENT, AT("trace_fentry", "bpf_there", ",'sleepable':true"), IOV_MAY_LOAD,
	 "whether programs may sleep in it"},
	{"GPL", EVENT, AT("modify_return", "bpf_there", ""), IOV_MAY_LOAD,
	 "whether programs may change what it returns"},
	{"GPL", LSM, AT("lsm_mac", "open", ""), IOV_LOADS, NULL},
	{"GPL", LSM, AT("lsm_mac", "shut", ""), IOV_FAILS, "function 'shut' takes no programs in this kernel"},
	{"GPL", LSM, AT("lsm_mac", "open", ",'sleepable':true"), IOV_FAILS, "a hook in which programs must not sleep"},
	{"MIT", LSM, AT("lsm_mac", "open", ""), IOV_FAILS, "program type 'lsm' is for programs under a GPL-compatible"},
	{"GPL", LSM,
	 "'needs':[{'helper':'d_path'}],'programs':[{'names':{'p':'open'},'attach':'lsm_mac','always':[0]}]",
	 IOV_MAY_LOAD, "helper 'd_path' is there for programs at some functions only"},
	/* several types of one name: libbpf gives up, also where nobody comes by */
	{"GPL", XDP, "'needs':[" TWIN("type_size") "]," GROUP(",'always':[0]"), IOV_MAY_LOAD, "several types"},
	{"GPL", XDP,
	 "'needs':[" TWIN("target_type_id") "," EXISTS("gone") "]," GROUP(",'guarded':[{'need':0,'absent':[1]}]"),
	 IOV_MAY_LOAD, "several types"},
	{"GPL", XDP, "'needs':[" TWIN("type_exists") "]," GROUP(",'always':[0]"), IOV_LOADS, NULL},
};

static struct iov_object *make_object(const char *license, const char *maps, const char *programs, const char *facts)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	struct iov_object *object = NULL;
	iov_buf_printf(&text, "{'license':'%s','maps':[%s],%s%s%s%s}", license, maps, programs,
		       facts ? ",'facts':{" : "", facts ? facts : "", facts ? "}" : "");
	iov_auto(iov_json_release) json_t *json = unit_json(text.data);
	unit_ok(ctx, iov_object_from_json(ctx, json, &object));
	return object;
}

static void expect(const struct iov_object *object, enum iov_verdict expected, const char *text)
{
	iov_auto(iov_json_release) json_t *answer = NULL;
	enum iov_verdict verdict = IOV_LOADS;
	unit_ok(ctx, iov_check_against(ctx, object, NULL, &kernel, NULL, &verdict, &answer));
	const json_t *reason = json_array_get(json_object_get(answer, "reasons"), 0);
	const char *found = json_string_value(json_object_get(reason, "text"));
	iov_auto(iov_free_ptr) char *all = iov_json_canonical(answer);
	ck_assert_msg(verdict == expected, "%s", all);
	ck_assert_str_eq(json_string_value(json_object_get(answer, "verdict")), iov_verdict_word(expected));
	ck_assert_msg(text ? found && strstr(found, text) : !found, "%s", all);
}

START_TEST(verdicts_have_reasons)
{
	iov_auto(free_object) struct iov_object *object =
		make_object(cases[_i].license, "", cases[_i].programs, cases[_i].facts);
	expect(object, cases[_i].verdict, cases[_i].text);
}
END_TEST

#define MAP(type) FLAGGED(type, "0")
#define FLAGGED(type, flags)                                                                                           \
	"{'name':'m','type':'" type "','key_size':4,'value_size':4,'max_entries':1,'flags':" flags ",'layout':{},"     \
	"'fingerprint':'0000000000000000000000000000000000000000000000000000000000000000'}"

static const struct {
	const char *map;
	enum iov_verdict verdict;
	const char *text;
} maps[] = {
	{MAP("hash"), IOV_LOADS, NULL},
	{MAP("array"), IOV_FAILS, "map type 'array' is not in this kernel"},
	{MAP("arena"), IOV_FAILS, "map type 'arena' is not in this kernel; Linux 6.9 brought it"},
	{MAP("unknown"), IOV_MAY_LOAD, "could not be tried"},
	{FLAGGED("hash", "1"), IOV_LOADS, NULL},
	{FLAGGED("hash", "1024"), IOV_MAY_LOAD, "map flag '0x400 of hash' is there"},
	{FLAGGED("hash", "1073741824"), IOV_FAILS, "map flag '0x40000000 of hash' is not in this kernel"},
};

START_TEST(map_types_count)
{
	iov_auto(free_object) struct iov_object *object = make_object("GPL", maps[_i].map, XDP, "'needs':[]," GROUP());
	expect(object, maps[_i].verdict, maps[_i].text);
}
END_TEST

/* With BTF alone, and with modules, less is certain. */
START_TEST(what_is_not_known_is_no_answer)
{
	iov_auto(free_object) struct iov_object *type =
		make_object("GPL", "", XDP,
			    "'needs':[{'relocation':'byte_off','type':'struct gone','field':'a','is':'int'}]," GROUP(
				    ",'always':[0]"));
	iov_auto(free_object) struct iov_object *simple = make_object("GPL", "", XDP, "'needs':[]," GROUP());
	iov_auto(free_object) struct iov_object *old = make_object("GPL", "", XDP, NULL);
	expect(type, IOV_FAILS, "type 'struct gone' is not in this kernel");
	expect(old, IOV_MAY_LOAD, "an iovpkg that did not write them down");
	json_array_append_new(json_object_get(kernel.facts, "modules"), json_string("veth"));
	expect(type, IOV_MAY_LOAD, "one of its modules may have it");
	json_decref(kernel.facts);
	kernel.facts = NULL;
	expect(type, IOV_MAY_LOAD, "nobody tried");
	expect(simple, IOV_MAY_LOAD, "program type 'xdp' is known to this kernel, but nobody tried");
}
END_TEST

static const char *const live_objects[] = {"core",     "core_missing",	  "facts",  "hooks",
					   "importer", "maptypes_writer", "tracing"};

/* Does the running kernel load this program, without the others? */
static bool loads(const char *path, const char *name)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	ck_assert_ptr_nonnull(object);
	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), name));
	}
	bool loaded = !bpf_object__load(object);
	bpf_object__close(object);
	return loaded;
}

/* A yes and a no are never wrong. */
START_TEST(the_live_kernel_agrees)
{
	iov_auto(free_object) struct iov_object *object = NULL;
	iov_auto(iov_json_release) json_t *answer = NULL;
	enum iov_verdict verdict;
	const char *name;
	json_t *word;
	if (geteuid() || access("/sys/kernel/btf/vmlinux", R_OK))
		return;
	iov_kernel_release(&kernel);
	unit_ok(ctx, iov_kernel_running(ctx, &kernel));
	unit_ok(ctx, iov_check_object(ctx, live_object(live_objects[_i]), &object));
	unit_ok(ctx, iov_check_against(ctx, object, NULL, &kernel, NULL, &verdict, &answer));
	json_object_foreach(json_object_get(answer, "programs"), name, word) {
		const char *said = json_string_value(word);
		if (strcmp(said, "cannot tell") != 0)
			ck_assert_msg(loads(live_object(live_objects[_i]), name) == !strcmp(said, "yes"),
				      "%s: said %s, and was wrong", name, said);
	}
}
END_TEST

Suite *suite_check_against(void)
{
	Suite *suite = suite_create("check/against");
	TCase *tests = tcase_create("against");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, finds_what_libbpf_would, 0, IOV_COUNT(lookups));
	tcase_add_loop_test(tests, verdicts_have_reasons, 0, IOV_COUNT(cases));
	tcase_add_loop_test(tests, map_types_count, 0, IOV_COUNT(maps));
	tcase_add_test(tests, what_is_not_known_is_no_answer);
	tcase_add_loop_test(tests, the_live_kernel_agrees, 0, IOV_COUNT(live_objects));
	suite_add_tcase(suite, tests);
	return suite;
}
