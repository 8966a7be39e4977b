/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Macros of libraries that tests/lint/cppcheck.sh has cppcheck know: it does not read the libraries' headers, and without these not the functions
 * that use them. */
#define LIBBPF_OPTS(type, name, ...) struct type name = { .sz = sizeof(struct type), __VA_ARGS__ }
#define bpf_object__for_each_map(pos, object) \
	for ((pos) = bpf_object__next_map((object), NULL); (pos); (pos) = bpf_object__next_map((object), (pos)))
#define bpf_object__for_each_program(pos, object) \
	for ((pos) = bpf_object__next_program((object), NULL); (pos); (pos) = bpf_object__next_program((object), (pos)))
#define mnl_attr_for_each(attr, header, offset) \
	for ((attr) = first_of((header), (offset)); mnl_attr_ok((attr), tail_of(header) - (char *)(attr)); (attr) = mnl_attr_next(attr))
#define mnl_attr_for_each_nested(attr, nest) mnl_attr_for_each(attr, nest, 0)
#define mnl_attr_for_each_payload(payload, size) \
	for (struct nlattr *attr = (payload); mnl_attr_ok(attr, (char *)(payload) + (size) - (char *)attr); attr = mnl_attr_next(attr))
/* in page.h, which the build makes */
#define PAGE_SCRIPT_HASH ""
#define PAGE_STYLE_HASH ""
