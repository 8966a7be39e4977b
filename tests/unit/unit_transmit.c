// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The plan reads the kernel's xdp_features right, also of a driver that claims too much (user/plan/transmit.c). Also
 * the list of drivers for kernels without features; tests/lint/docs.py compares it with docs/reference/hardware.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "plan/transmit.h"

static const __u64 sends = NL_XDP_BASIC | NL_XDP_REDIRECT | NL_XDP_NDO_XMIT, sends_frags = sends | NL_XDP_NDO_XMIT_SG;

static void features(void **state)
{
	assert_int_equal(transmit_by_features(0, "ixgbevf"), 0);
	assert_int_equal(transmit_by_features(NL_XDP_BASIC | NL_XDP_REDIRECT, "ixgbevf"), 0);
	assert_int_equal(transmit_by_features(sends, "ena"), LINK_XDP_SENDS);
	assert_int_equal(transmit_by_features(sends_frags, "ice"), LINK_XDP_SENDS | LINK_XDP_SENDS_FRAGS);
	assert_int_equal(transmit_by_features(sends_frags, ""), LINK_XDP_SENDS | LINK_XDP_SENDS_FRAGS);
}

/* A packet in several buffers would be truncated after the first one */
static void first_buffer_only(void **state)
{
	assert_int_equal(transmit_by_features(sends_frags, "bnxt_en"), LINK_XDP_SENDS);
	assert_int_equal(transmit_by_features(0, "bnxt_en"), 0);
}

/* Names are those of `ethtool -i`, which may differ from those of the modules */
static void known(void **state)
{
	static const char *const yes[] = { "mana", "fsl_enetc", "mtk_soc_eth", "st_gmac", "st_xgmac", "vif", "hv_netvsc", "virtio_net" };
	static const char *const no[] = { "", "e1000e", "enetc", "ixgbevf", "mlx4_en", "mtk_eth_soc", "nfp", "nicvf", "stmmac", "vmxnet3" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		assert_true(transmit_is_known(yes[i]));
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		assert_false(transmit_is_known(no[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(features), cmocka_unit_test(first_buffer_only), cmocka_unit_test(known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
