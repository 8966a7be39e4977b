#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1200
# vm: 6.12
# nics: virtio-net*4,virtio-net*4 virtio-net*4,virtio-net*4
# `scripts/bench --devices` finds plausible rates with virtual NICs on two cables and the kernel's pktgen, and leaves
# both hosts as before. bench-devices has the other checks. BREAK=1 leaves an address behind.
#
#     sender out ---- wan firewall lan ---- back sender
source "${BASH_SOURCE[0]%/*}/../lib/bench-devices.sh"

namespaces sender firewall
routers firewall
modprobe virtio_net
nic() { # NAMESPACE DEVICE MAC
	ip link set "$(ip -br link | awk -v mac="$3" '$3 == mac {print $1}')" netns "$1" name "$2"
	inside "$1" ip link set "$2" up
}
nic sender out 02:00:00:00:01:01
nic firewall wan 02:00:00:00:01:02
nic sender back 02:00:00:00:02:01
nic firewall lan 02:00:00:00:02:02
hosts > "$work/before"
inside firewall scripts/bench --devices wan,lan --sender local:sender --sender-devices out,back --secs 1 --rate 1000 \
	--rows "${ROWS:-(redirect|dnat|masquerade), ipv}" > "$work/out" 2> "$work/err" || fail "$(cat "$work/out" "$work/err")"
[[ ! ${BREAK:-} ]] || inside firewall ip address add 198.18.0.9/24 dev wan
plausible virtio_net pktgen 'bare redirect' 'wgxdp dnat' 'wgxdp masquerade' 'nft dnat'
is_as_before 'after all rows'
