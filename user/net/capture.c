/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements capture.h for pcap and pcapng (draft-ietf-opsawg-pcap, -pcapng). In pcapng files it
 * reads section headers, interface descriptions, and enhanced and simple packet blocks, and skips
 * all other blocks.
 */
#include <byteswap.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "lib/memory.h"
#include "net/capture.h"
#include "lib/log.h"

enum { LINK_ETHERNET = 1, LINK_RAW_OLD = 12, LINK_RAW = 101, LINK_IPV4 = 228, LINK_IPV6 = 229 };
enum { INTERFACES = 64, BLOCK_MAX = 1 << 20 };
enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, SIMPLE = 3, ENHANCED = 6 };

struct capture {
	FILE *file;
	char path[256];
	bool swapped, ng;
	bool begun;			/* pcapng: the first block's type was read */
	struct {
		__u32 link;
		char name[IFNAMSIZ];
	} interface[INTERFACES];
	__u32 n;
	__u8 block[BLOCK_MAX];
};

static __u32 read_u32(const struct capture *c, const void *at)
{
	__u32 value;

	memcpy(&value, at, sizeof(value));
	return c->swapped ? bswap_32(value) : value;
}

static __u16 read_u16(const struct capture *c, const void *at)
{
	__u16 value;

	memcpy(&value, at, sizeof(value));
	return c->swapped ? bswap_16(value) : value;
}

static int report_bad(const struct capture *c, const char *what)
{
	log_error("%s: %s", c->path, what);
	return -EBADMSG;
}

/* Reads exactly n bytes. Returns 1, 0 if the file ends before the first byte, or -errno after
 * printing an error. */
static int read_bytes(struct capture *c, void *to, size_t n)
{
	size_t got = fread(to, 1, n, c->file);

	if (got == n)
		return 1;
	if (!got && feof(c->file))
		return 0;
	return ferror(c->file) ? report_bad(c, strerror(errno))
			       : report_bad(c, "the file ends in the middle of a packet");
}

static int check_link(const struct capture *c, __u32 link)
{
	if (link == LINK_ETHERNET || link == LINK_RAW || link == LINK_RAW_OLD ||
	    link == LINK_IPV4 || link == LINK_IPV6)
		return 0;
	return report_bad(c, "the file has packets that are neither Ethernet nor raw IP");
}

/* Reads the header of a pcap file behind its first four bytes, which the caller has read. */
static int begin_pcap(struct capture *c)
{
	__u8 head[20];
	int rc = read_bytes(c, head, sizeof(head));

	if (rc <= 0)
		return rc ?: report_bad(c, "cut off");
	c->interface[0].link = read_u32(c, head + 16) & 0xffff;
	c->n = 1;
	return check_link(c, c->interface[0].link);
}

int capture_open(const char *path, struct capture **ret)
{
	static const __u32 micro = 0xa1b2c3d4, nano = 0xa1b23c4d;
	struct capture *c = *ret = xcalloc(1, sizeof(*c));
	bool input = !strcmp(path, "-");
	__u32 magic = 0;
	int rc;

	snprintf(c->path, sizeof(c->path), "%s", input ? "standard input" : path);
	c->file = input ? stdin : fopen(path, "rb");
	if (!c->file) {
		rc = -errno;
		log_error("%s: %s", path, strerror(errno));
		return rc;
	}
	rc = read_bytes(c, &magic, sizeof(magic));
	c->swapped = magic == bswap_32(micro) || magic == bswap_32(nano);
	c->ng = magic == SECTION;
	if (rc > 0 && (c->ng || c->swapped || magic == micro || magic == nano))
		rc = c->ng ? 0 : begin_pcap(c);
	else if (rc >= 0)
		rc = report_bad(c, "this is neither a pcap nor a pcapng file");
	return rc;
}

/* Copies a packet of a link type (LINKTYPE_*) to ret; adds an Ethernet header if it has none. */
static int copy_packet(const struct capture *c, __u32 link, const void *bytes, __u32 len,
		       __u32 whole, struct capture_frame *ret)
{
	static const __u8 types[2][2] = { { 8, 0 }, { 0x86, 0xdd } };
	__u32 head = link == LINK_ETHERNET ? 0 : 14;

	ret->len = len + head;
	ret->whole = whole + head;
	if (ret->len > CAPTURE_MAX)
		return 1;
	memset(ret->bytes, 0, 12);
	if (head)
		memcpy(ret->bytes + 12, types[len && *(const __u8 *)bytes >> 4 == 6], 2);
	memcpy(ret->bytes + head, bytes, len);
	return 1;
}

static int next_pcap(struct capture *c, struct capture_frame *ret)
{
	__u8 head[16];
	int rc = read_bytes(c, head, sizeof(head));
	__u32 len;

	if (rc <= 0)
		return rc;
	len = read_u32(c, head + 8);
	if (len > BLOCK_MAX)
		return report_bad(c, "the file has a packet of more than a megabyte");
	rc = len ? read_bytes(c, c->block, len) : 1;
	if (rc <= 0)
		return rc ?: report_bad(c, "the file ends in the middle of a packet");
	ret->interface[0] = '\0';
	return copy_packet(c, c->interface[0].link, c->block, len, read_u32(c, head + 12), ret);
}

/* Reads the name of an interface (pcapng) from options between two offsets. */
static void read_name(struct capture *c, __u32 at, __u32 end)
{
	while (at + 4 <= end) {
		__u16 kind = read_u16(c, c->block + at), len = read_u16(c, c->block + at + 2);
		const __u8 *value = c->block + at + 4;

		if (!kind || at + 4 + len > end)
			break;
		if (kind == 2 && len < IFNAMSIZ)	/* option if_name */
			memcpy(c->interface[c->n].name, value, len);
		at += 4 + (len + 3) / 4 * 4;
	}
}

static int add_interface(struct capture *c, __u32 len)
{
	if (len < 8 || c->n == INTERFACES)
		return report_bad(c, "the file has an invalid interface, or more than 64 interfaces");
	memset(&c->interface[c->n], 0, sizeof(c->interface[0]));
	c->interface[c->n].link = read_u16(c, c->block);
	read_name(c, 8, len);
	return check_link(c, c->interface[c->n++].link);
}

static int read_packet(struct capture *c, __u32 type, __u32 len, struct capture_frame *ret)
{
	__u32 interface = type == ENHANCED && len >= 20 ? read_u32(c, c->block) : 0;
	__u32 head = type == ENHANCED ? 20 : 4, whole, n;

	if (len < head || interface >= c->n)
		return report_bad(c, "the file has a packet without an interface");
	whole = read_u32(c, c->block + head - 4);
	n = type == ENHANCED ? read_u32(c, c->block + 12) : whole < len - head ? whole : len - head;
	if (n > len - head)
		return report_bad(c, "the file has a packet that is longer than its block");
	strcpy(ret->interface, c->interface[interface].name);
	return copy_packet(c, c->interface[interface].link, c->block + head, n, whole, ret);
}

static int next_block(struct capture *c, struct capture_frame *ret)
{
	__u8 head[12] = { 0x0a, 0x0d, 0x0d, 0x0a };
	__u32 type, len;
	int rc = c->begun ? read_bytes(c, head, 8) : read_bytes(c, head + 4, 4);

	if (rc <= 0)
		return rc;
	c->begun = true;
	memcpy(&type, head, sizeof(type));
	if (type == SECTION) {
		rc = read_bytes(c, head + 8, 4);
		memcpy(&len, head + 8, sizeof(len));
		c->swapped = len == bswap_32(0x1a2b3c4d);
		c->n = 0;
	}
	if (rc <= 0)
		return rc ?: report_bad(c, "cut off");
	len = read_u32(c, head + 4) - (type == SECTION ? 12 : 8);
	if (len < 4 || len > BLOCK_MAX)
		return report_bad(c, "the file has a block with an impossible length");
	rc = read_bytes(c, c->block, len);
	if (rc <= 0)
		return rc ?: report_bad(c, "the file ends in the middle of a block");
	if (type == SECTION)
		return -EAGAIN;
	type = read_u32(c, head);
	if (type == INTERFACE)
		return add_interface(c, len - 4) ?: -EAGAIN;
	return type == ENHANCED || type == SIMPLE ? read_packet(c, type, len - 4, ret) : -EAGAIN;
}

int capture_next(struct capture *c, struct capture_frame *ret)
{
	int rc;

	do
		rc = c->ng ? next_block(c, ret) : next_pcap(c, ret);
	while (rc == -EAGAIN);
	return rc;
}
