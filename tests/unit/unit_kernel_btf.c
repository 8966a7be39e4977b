/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `wgxdp up` finds the same offsets in the kernel's BTF as libbpf does, and malformed BTF ends the search.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "dataplane/dataplane_programs.h"

static int by_libbpf(const struct btf *btf, const char *of, const char *member)
{
	const struct btf_type *t = btf__type_by_id(btf, btf__find_by_name_kind(btf, of, BTF_KIND_STRUCT));

	for (int i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), member))
			return btf_member_bit_offset(t, i) / 8;
	return -ENOENT;
}

static void this_kernel(void **state)
{
	struct member_place places[] = { { "net_device", "ifindex" }, { "net_device", "nd_net" }, { "net", "ns" },
					 { "ns_common", "inum" }, { "sk_buff", "sk" }, { "net_device", "no such" },
					 { "no such", "ifindex" } };
	struct btf *btf = btf__load_vmlinux_btf();

	btf_find(KERNEL_BTF, places, 7);
	for (int i = 0; i < 7; i++)
		assert_int_equal(places[i].offset, by_libbpf(btf, places[i].of, places[i].member));
	assert_true(!btf || places[0].offset > 0);
	btf__free(btf);
}

/* A type of each kind, and then the structure that is sought, with a bit-field. */
static struct btf *every_kind(void)
{
	struct btf *btf = btf__new_empty();
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);

	btf__add_ptr(btf, number);
	btf__add_array(btf, number, number, 3);
	btf__add_union(btf, "both", 4);
	btf__add_field(btf, "b", number, 0, 0);
	btf__add_enum(btf, "e", 4);
	btf__add_enum_value(btf, "E", 1);
	btf__add_enum64(btf, "e64", 8, false);
	btf__add_enum64_value(btf, "E64", 1);
	btf__add_fwd(btf, "forward", BTF_FWD_STRUCT);
	btf__add_typedef(btf, "name", number);
	btf__add_volatile(btf, number);
	btf__add_const(btf, number);
	btf__add_restrict(btf, number);
	btf__add_func(btf, "f", BTF_FUNC_GLOBAL, btf__add_func_proto(btf, number));
	btf__add_func_param(btf, "p", number);
	btf__add_datasec(btf, ".data", 4);
	btf__add_datasec_var_info(btf, btf__add_var(btf, "v", BTF_VAR_GLOBAL_ALLOCATED, number), 0, 4);
	btf__add_float(btf, "float", 4);
	btf__add_decl_tag(btf, "tag", number, -1);
	btf__add_type_tag(btf, "tag", number);
	btf__add_struct(btf, "sought", 16);
	btf__add_field(btf, "first", number, 0, 0);
	btf__add_field(btf, "bits", number, 64, 3);
	btf__add_field(btf, "last", number, 96, 0);
	return btf;
}

static void find_in(const void *data, size_t size, struct member_place *places, int n)
{
	char path[] = "/tmp/unit_kernel_btf.XXXXXX";
	int fd = mkstemp(path);

	assert_int_equal(write(fd, data, size), size);
	close(fd);
	btf_find(path, places, n);
	unlink(path);
}

static void all_kinds(void **state)
{
	struct member_place places[] = { { "sought", "bits" }, { "sought", "last" }, { "both", "b" } };
	struct btf *btf = every_kind();
	__u32 size;
	const char *data = btf__raw_data(btf, &size);

	find_in(data, size, places, 3);
	assert_int_equal(places[0].offset, 8);
	assert_int_equal(places[1].offset, 12);
	assert_int_equal(places[2].offset, -ENOENT); /* a union */
	for (__u32 cut = 0; cut < size; cut++) {
		find_in(data, cut, places, 3);
		assert_int_equal(places[1].offset, -ENOENT);
	}
	btf__free(btf);
}

static void malformed(void **state)
{
	struct member_place place = { "sought", "last" };
	struct btf *btf = every_kind();
	__u32 size;
	const char *data = btf__raw_data(btf, &size);
	char *copy = malloc(size);

	for (__u32 at = 0; at < size; at++) {
		memcpy(copy, data, size);
		copy[at] = 0xff;
		find_in(copy, size, &place, 1);
		assert_true(place.offset == -ENOENT || place.offset >= 0);
	}
	free(copy);
	btf__free(btf);
	btf_find("/no/such/file", &place, 1);
	assert_int_equal(place.offset, -ENOENT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_kernel),
		cmocka_unit_test(all_kinds),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
