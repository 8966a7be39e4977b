#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 5400
# vm: 6.1/full 6.12/full newest/full
# nics: virtio-net*4 virtio-net*4 virtio-net virtio-net vmxnet3 vmxnet3 e1000e e1000e e1000 e1000 rtl8139 rtl8139
# Emulated NICs with real drivers, alike and mixed, carry a tunnel of the kernel's WireGuard through the
# firewall, over IPv4 and IPv6. Each driver has the mode that it should have. The kernel forwards nothing
# itself, and `down` leaves nothing. drivers-nics.sh draws the network. BREAK=1 leaves IPv6 to the kernel.
# DRIVERS='vmxnet3 e1000e' tries only these two. For each pair a line says the modes, how many
# packets XDP and tc sent, how many the drivers did not send, how many were lost, and the seconds.
source "${BASH_SOURCE[0]%/*}/../lib/drivers-nics.sh"

size=$((10 << 20)) # bytes of a transfer
pairs=(
	'virtio-mq virtio-mq' 'vmxnet3 vmxnet3' 'e1000e e1000e' 'rtl8139 rtl8139'
	'virtio e1000e' 'e1000 virtio-mq' 'rtl8139 vmxnet3' 'vmxnet3 virtio'
	'virtio virtio' 'e1000 e1000' 'virtio-mq vmxnet3' 'e1000e rtl8139'
)
[[ ! ${DRIVERS:-} ]] || pairs=("$DRIVERS")
to=192.168.1.10,2001:db8:2::10

carries() { # WHAT
	local family
	for family in IPv4 IPv6; do
		leave_by $family
		transfer "$1, $family" client wg-end 10.77.0.1
	done
	expect "$1: around wgxdp" "$(around) $(refused)" == '0 0'
	wait_for 5 "$1: what was sent arrives" none_lost
	expect_sums
	expect "$1: originals forwarded" "$originals" '>=' $((2 * size / 1400))
	expect "$1: replies forwarded" "$replies" '>=' 100
}

try() { # KIND-OF-WAN KIND-OF-LAN
	local wan lan what="$1 $2" from=$SECONDS originals replies xdp tc unsent lost
	wan=$(cable_of "$1" wan) lan=$(cable_of "$2" lan)
	count_all
	plug_pair "$wan" "$lan"
	traces firewall > "$work/before"
	wgxdp up --wan wan --lan lan --to $to
	expect "$what: modes" "$(modes)" == "$(mode_of "$1") $(mode_of "$2")"
	carries "$what"
	wgxdp down
	no_traces firewall "$work/before" "$what: down"
	unplug_pair "$wan" "$lan"
	say "ok pair $what, $release: $(mode_of "$1") $(mode_of "$2"), by XDP $xdp, by tc $tc, not sent $unsent, lost $lost, $((SECONDS - from)) s"
}

network_of_nics
head -c $size /dev/urandom > "$work/file"
[[ ! ${BREAK:-} ]] || to=192.168.1.10
inside firewall ip link add wan type veth peer name lan
wgxdp up --wan wan --lan lan --to $to # creates directories that stay
wgxdp down
inside firewall ip link del wan
for pair in "${pairs[@]}"; do
	# shellcheck disable=SC2086
	try $pair
done
