#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# The daemon attaches again to devices that disappear and come back with another ifindex or name, forwards, and
# reports what it waits for. `up` alone reports what waits, and succeeds. BREAK=1: without a daemon.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
source "${BASH_SOURCE[0]%/*}/../lib/returns.sh"

asks=5 ipv6=2001:db8:2::10

cat > "$work/wgxdp.yaml" << EOF
services:
  - name: wg-end
    listen: { interface: wan, ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
EOF

let_go() { ! inside firewall ip link show "$1" | holds prog/xdp; }

namespaces client firewall wg-end
routers firewall
count_passed_up

wgxdp up -c "$work/wgxdp.yaml" > "$work/up" 2>&1 || fail "up, with nothing there: $(< "$work/up")"
grep -q 'interface wan: it does not exist' "$work/up" || fail "up does not say what waits: $(< "$work/up")"
say "ok up: $(grep -c waiting "$work/up") lines say what waits"
[[ ${BREAK:-} ]] || start_daemon -c "$work/wgxdp.yaml"
start_listener wg-end listener -e "[::]:$port"
firewall_lan
firewall_wan
forwards 'all devices came'
for _ in 1 2 3; do
	inside firewall ip link del wan
	firewall_wan
	forwards 'the wan is made anew'
	inside firewall ip link del lan
	firewall_lan
	forwards 'the lan is made anew'
done
inside firewall ip link set wan down
inside firewall ip link set wan name other
wait_for 3 'the daemon says that it waits' grep -q 'interface wan: waiting: it does not exist' "$work/daemon"
wait_for 2 'it lets go of the device that lost its name' let_go other
inside firewall ip link set other name wan
inside firewall ip link set wan up
inside firewall ip address add 2001:db8:1::1/64 dev wan
forwards 'the wan has its name again'
# More changes than the kernel queues for the daemon, and none of them is about the wan
kill -STOP "$daemon"
for n in {1..3000}; do echo "address add 10.1.$((n / 250)).$((n % 250))/32 dev lo"; done | inside firewall ip -batch -
inside firewall ip link del wan
firewall_wan
for n in {1..3000}; do echo "address del 10.1.$((n / 250)).$((n % 250))/32 dev lo"; done | inside firewall ip -batch -
lost=$(inside firewall cat /proc/net/netlink | awk '$2 == 0 {n += $9} END {print n + 0}')
expect 'messages that the kernel had no room for' "$lost" '>' 0
kill -CONT "$daemon"
forwards 'the kernel had no room for its messages'
per_device=1 # the pin of XDP's link, and since 6.6 that of tc's link
[[ ! -e $(echo /sys/fs/bpf/wgxdp/default/attach/tcx-* | cut -d ' ' -f 1) ]] || per_device=2
[[ $(find /sys/fs/bpf/wgxdp/default/attach -name '*-[0-9]*' | wc -l) == $((2 * per_device)) ]] || fail "pins of gone devices: $(ls /sys/fs/bpf/wgxdp/default/attach)"
expect_sums
end_daemon
say "ok attached again after each of 10 changes, in $(elapsed | cut -d . -f 1) s"
