#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 120
# The daemon repairs an instance whose bpffs is unmounted or whose pins are removed by hand, and no former program
# remains. bpffs is unmounted, or its pins are removed by hand, while packets come: the kernel releases the programs
# with the last pin. The daemon notices, mounts bpffs, loads the programs again and forwards. Packets are lost only in
# between, and no former program remains. Without a daemon every command says that nothing is up, `down` succeeds, and
# `up` brings it back. BREAK=1: without a daemon.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/returns.sh"

asks=20 ipv6=2001:db8:1::1

unmounts() { while mountpoint -q /sys/fs/bpf; do umount -l /sys/fs/bpf; done; } # all of them, which may lie above each other
removes() { rm -r /sys/fs/bpf/wgxdp/default; }
not_up() { # COMMAND...
	! "$@" > "$work/out" 2>&1 || fail "${*:2} succeeds with nothing there"
	grep -q 'instance default is not up: start it with .wgxdp up.' "$work/out" || fail "${*:2} says $(< "$work/out")"
}

firewall_network
count_passed_up
start_listener wg-end listener -e "[::]:$port"
service_file dnat
wgxdp up -c "$work/wgxdp.yaml" > /dev/null
wgxdp down
traces firewall > "$work/nothing"

for how in unmounts removes; do
	wgxdp up -c "$work/wgxdp.yaml" > /dev/null
	answered 198.51.100.7 198.51.100.1 || fail 'not answered from the beginning'
	bpf_objects default > "$work/objects"
	[[ ${BREAK:-} ]] || start_daemon -c "$work/wgxdp.yaml"
	$how
	forwards "with a daemon, who $how"
	expect_sums
	grep -q 'without .wgxdp down.: it is loaded again' "$work/daemon" || fail "the daemon says $(< "$work/daemon")"
	wait_for 10 'the former objects are gone' none_of_these "$work/objects"
	bpf_objects default > "$work/objects"
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up"
	grep -q '^the data path is up: nothing had to change' "$work/up" || fail "up finds something else than was: $(< "$work/up")"
	bpf_objects default | cmp -s - "$work/objects" || fail 'up made new objects'
	wgxdp down
	wait "$daemon" || fail "the daemon does not end with down: $(< "$work/daemon")"
	no_traces firewall "$work/nothing" "who $how: down"

	wgxdp up -c "$work/wgxdp.yaml" > /dev/null
	bpf_objects default > "$work/objects"
	$how
	wait_for 10 'the former objects are gone' none_of_these "$work/objects"
	for command in show save 'show services' 'service del wg-end' top; do
		# shellcheck disable=SC2086
		not_up wgxdp $command
	done
	wgxdp up -c "$work/wgxdp.yaml" > /dev/null
	forwards "without a daemon, who $how"
	expect_sums
	$how
	wgxdp down || fail 'down, with nothing there'
	no_traces firewall "$work/nothing" "without a daemon, who $how: down"
done
say ok
