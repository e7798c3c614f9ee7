/* Fields of layouts by name, numbers there, and keys from text. */
#include <string.h>

#include "core/place.h"
#include "modules.h"
#include "util/cleanup.h"

#define LAYOUT                                                                                                         \
	"{'kind':'struct','size':40,'members':["                                                                       \
	"{'name':'packets','offset':0,'type':'u64'},{'name':'delta','offset':64,'type':'s32'},"                        \
	"{'name':'flags','offset':96,'bits':3,'type':'u32'},{'name':'level','offset':99,'bits':2,'type':'s32'},"       \
	"{'offset':128,'type':{'kind':'struct','size':8,'members':[{'name':'port','offset':0,'type':"                  \
	"{'kind':'array','count':2,'of':'u16'}},{'name':'up','offset':32,'type':'bool'}]}},"                           \
	"{'name':'state','offset':192,'type':{'kind':'enum','size':4,'values':{'UP':1,'LOST':-1}}},"                   \
	"{'name':'dev','offset':224,'type':{'kind':'array','count':12,'of':'char'}}]}"

static const struct {
	uint64_t packets;
	int32_t delta;
	uint32_t flags : 3;
	int32_t level : 2;
	uint16_t gap;
	uint16_t port[2];
	bool up;
	int32_t state;
	char dev[12];
} sample = {.packets = 1ull << 63,
	    .delta = -5,
	    .flags = 5,
	    .level = -2,
	    .port = {53, 80},
	    .up = true,
	    .state = -1,
	    .dev = "eth0"};

static const struct {
	const char *path;
	uint64_t value;
	bool is_signed;
} numbers[] = {
	{"packets", 1ull << 63, false}, {"delta", (uint64_t)-5, true}, {"flags", 5, false},
	{"level", (uint64_t)-2, true},	{"port[1]", 80, false},	       {"up", 1, false},
	{"state", (uint64_t)-1, true},	{"dev[1]", 't', false},
};

START_TEST(reads_numbers)
{
	struct iov_ctx *ctx = unit_ctx();
	iov_auto(iov_json_release) json_t *layout = unit_json(LAYOUT);
	struct iov_layout_place place;
	uint64_t value = 0;
	unit_ok(ctx, iov_place_find(ctx, layout, numbers[_i].path, &place));
	unit_ok(ctx, iov_place_check_number(ctx, &place));
	unit_ok(ctx, iov_place_read(ctx, &place, &sample, sizeof(sample), &value));
	ck_assert_uint_eq(value, numbers[_i].value);
	ck_assert_int_eq(iov_place_is_signed(&place), numbers[_i].is_signed);
	ck_assert_int_eq(iov_place_read(ctx, &place, &sample, place.bit / 8, &value), IOV_E_CONTRACT);
	unit_ctx_free(ctx);
}
END_TEST

static const struct {
	const char *path, *words;
} strays[] = {
	{"bytes", "there is no field 'bytes'; there are: packets, delta, flags, level, port, up, state, dev"},
	{"packets.low", "there is no field 'low', because the type has no fields"},
	{"port[2]", "there is no element '[2]'; the array has 2"},
	{"delta[0]", "'[0]' stands behind what is no array"},
	{"port", "a 'array' is no number of at most 64 bits"},
	{"", "a 'struct' is no number of at most 64 bits"},
};

START_TEST(tells_what_is_no_number)
{
	struct iov_ctx *ctx = unit_ctx();
	iov_auto(iov_json_release) json_t *layout = unit_json(LAYOUT);
	struct iov_layout_place place = {0};
	int rc = iov_place_find(ctx, layout, strays[_i].path, &place);
	unit_fails(ctx, rc ? rc : iov_place_check_number(ctx, &place), IOV_E_INPUT, strays[_i].words);
	unit_ctx_free(ctx);
}
END_TEST

static const struct {
	const char *path, *text;
	uint64_t value;
	bool fits;
} texts[] = {
	{"packets", "18446744073709551615", UINT64_MAX, true},
	{"packets", "18446744073709551616", 0, false},
	{"packets", "0x10", 16, true},
	{"packets", "-1", 0, false},
	{"packets", "-0", 0, true},
	{"packets", "1k", 0, false},
	{"packets", "", 0, false},
	{"delta", "-2147483648", (uint64_t)INT32_MIN, true},
	{"delta", "-2147483649", 0, false},
	{"delta", "2147483648", 0, false},
	{"level", "1", 1, true},
	{"level", "2", 0, false},
	{"level", "-2", (uint64_t)-2, true},
	{"flags", "8", 0, false},
	{"state", "LOST", (uint64_t)-1, true},
	{"state", "GONE", 0, false},
	{"up", "true", 1, true},
};

START_TEST(parses_what_fits)
{
	struct iov_ctx *ctx = unit_ctx();
	iov_auto(iov_json_release) json_t *layout = unit_json(LAYOUT);
	struct iov_layout_place place;
	uint64_t value = 0;
	unit_ok(ctx, iov_place_find(ctx, layout, texts[_i].path, &place));
	int rc = iov_place_parse(ctx, &place, texts[_i].text, &value);
	ck_assert_int_eq(rc, texts[_i].fits ? IOV_OK : IOV_E_INPUT);
	ck_assert_uint_eq(value, texts[_i].value);
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(makes_keys)
{
	struct iov_ctx *ctx = unit_ctx();
	unsigned char key[sizeof(sample)];
	iov_auto(iov_json_release) json_t *layout = unit_json(LAYOUT);
	iov_auto(iov_json_release) json_t *members = unit_json(
		"{'packets':'0x8000000000000000','delta':'-5','flags':'5','level':'-2','port[0]':'53','port[1]':'80',"
		"'up':'true','state':'LOST','dev':'eth0'}");
	iov_auto(iov_json_release) json_t *number = json_string("258"), *hex = json_string("hex:0102"),
					  *wide = json_string("65536"), *odd = json_string("hex:010");
	unit_ok(ctx, iov_place_make_key(ctx, layout, members, key, sizeof(key)));
	ck_assert_mem_eq(key, &sample, sizeof(sample));
	const uint16_t two = 258;
	unit_ok(ctx, iov_place_make_key(ctx, NULL, number, key, sizeof(two)));
	ck_assert_mem_eq(key, &two, sizeof(two));
	unit_ok(ctx, iov_place_make_key(ctx, layout, hex, key, 2));
	ck_assert_mem_eq(key, "\1\2", 2);
	unit_fails(ctx, iov_place_make_key(ctx, NULL, wide, key, 2), IOV_E_INPUT, "'65536' is not what a 'u16'");
	unit_fails(ctx, iov_place_make_key(ctx, NULL, odd, key, 2), IOV_E_INPUT, "'hex:010' is not 2 bytes");
	unit_fails(ctx, iov_place_make_key(ctx, layout, number, key, sizeof(key)), IOV_E_INPUT,
		   "a 'struct' is no number");
	unit_fails(ctx, iov_place_make_key(ctx, layout, members, key, 8), IOV_E_CONTRACT, "a key of 8 bytes");
	unit_ctx_free(ctx);
}
END_TEST

Suite *suite_core_place(void)
{
	Suite *suite = suite_create("core_place");
	TCase *tests = tcase_create("place");
	tcase_add_loop_test(tests, reads_numbers, 0, IOV_COUNT(numbers));
	tcase_add_loop_test(tests, tells_what_is_no_number, 0, IOV_COUNT(strays));
	tcase_add_loop_test(tests, parses_what_fits, 0, IOV_COUNT(texts));
	tcase_add_test(tests, makes_keys);
	suite_add_tcase(suite, tests);
	return suite;
}
