/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes HOST.qr: a client's file as a QR code, which WireGuard's apps read from a terminal's
 * screen.
 */
#include "gen/gen_files.h"
#ifdef WITH_QRENCODE
#include <errno.h>
#include <qrencode.h>
#include <string.h>
#include "lib/library.h"
#include "lib/log.h"

#define FUNCTIONS(X) X(QRcode_encodeString8bit) X(QRcode_free)

static struct library_functions {
	FUNCTIONS(LIBRARY_POINTER)
} qr;
static const struct library_function functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };

#define QUIET 4 /* number of light modules around the code, which the standard requires */

static bool is_dark(const QRcode *code, int x, int y)
{
	return x >= 0 && y >= 0 && x < code->width && y < code->width &&
	       code->data[y * code->width + x] & 1;
}

/* Draws the QR code, two rows of modules per line of text. The characters draw the light modules,
 * because terminals have a dark background. */
static void draw(FILE *out, const QRcode *code)
{
	/* Blocks for two rows, at index: dark above << 1 | dark below. */
	static const char *const blocks[] = { "\u2588", "\u2580", "\u2584", " " };

	for (int y = -QUIET; y < code->width + QUIET; y += 2) {
		for (int x = -QUIET; x < code->width + QUIET; x++)
			fputs(blocks[is_dark(code, x, y) << 1 | is_dark(code, x, y + 1)], out);
		fputc('\n', out);
	}
}

void gen_qr(const struct gen *g, const struct topology_host *h)
{
	const char *text;
	char path[TOPOLOGY_NAME + 64], why[LIBRARY_WHY_LEN];
	QRcode *code;
	int rc;

	/* No app accepts a configuration without the private key. */
	if (h->role != ROLE_CLIENT || !gen_private_key(g, h, WG_CLIENTS))
		return;
	rc = LIBRARY_OPEN(&library_qrencode, functions, &qr, why);
	if (rc == -ENOMEM) {
		gen_no_memory(g->files);
		return;
	}
	if (rc) {
		log_warning("%s: cannot make the QR code of its file: %s", h->name, why);
		return;
	}
	snprintf(path, sizeof(path), "%s/etc/wireguard/" WG_CLIENTS ".conf", h->name);
	text = gen_files_text(g->files, path);
	code = text ? qr.QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L) : NULL;
	if (!code) {
		if (text && errno == ERANGE)
			log_warning("%s: the file is too long for a QR code, so none is made",
				    path);
		else
			gen_no_memory(g->files);
		return;
	}
	draw(gen_file(g->files, 0600, "%s/%s.qr", h->name, h->name), code);
	qr.QRcode_free(code);
}
#else
#include "lib/log.h"

void gen_qr(const struct gen *g, const struct topology_host *h)
{
	if (h->role == ROLE_CLIENT && gen_private_key(g, h, WG_CLIENTS))
		log_warning("%s: no QR code is made, because this program was built without "
			    "libqrencode", h->name);
}
#endif
