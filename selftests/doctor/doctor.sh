#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# Firewalls with one fault, so that no packet passes. doctor reports the fault and nothing else. The test runs the
# printed command as it is: then packets pass and doctor reports nothing. The faults here: forwarding, MTU, a foreign
# XDP program. BREAK=1 leaves out the faults: then doctor must report none.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"

firewall_network
start_listener wg-end listener -e 192.168.1.10:$port
firewall_up
wait_for 5 'packets pass' question
healthy 'a firewall that is well'
wgxdp down > /dev/null

firewall_up
wrong sysctl -qw net.ipv4.ip_forward=0
treated forwarding
passes_again 'forwarding'

firewall_up
wrong ip link set lan mtu 1280
size=1400
treated mtu
passes_again 'MTU'
size=32

wrong ip link set wan xdpdrv obj "$build/selftests/peer.bpf.o" program drop
! wgxdp up --wan wan --lan lan --to 192.168.1.10 > "$work/up" 2>&1 || [[ ${BREAK:-} ]] || fail 'up beside another XDP program'
names xdp --wan wan --lan lan --to 192.168.1.10
heals
content --wan wan --lan lan --to 192.168.1.10
firewall_up
passes_again 'another XDP program'
wgxdp down > /dev/null

# Nothing refuses the clients' packets, and nothing answers them
firewall_up
[[ ${BREAK:-} ]] || inside wg-end nft 'add table inet filter; add chain inet filter ours { type filter hook input priority 0; }; add rule inet filter ours udp dport '$port' drop'
question || :
content
[[ $(found warning | grep -vx clock) == replies ]] || fail "no backend replies: $(< "$work/doctor.json")"
say "ok replies: $(found warning found | grep backend)"
inside wg-end nft 'flush table inet filter'
question || fail 'the backend replies again'
healthy 'a backend that replies'
