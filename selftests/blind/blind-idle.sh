#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 400
# Sites of a blind relay stay reachable without traffic. For 70 s they send nothing, behind a cone and a symmetric NAT
# that forget after 30 s of silence. The keepalive to the relay's peer holds each edge router's mapping for all its
# peers. Then the first ping passes from any site. An entry of a pair that no longer talks goes, and those of others
# stay.
#
#     198.51.100.11 nat-a (cone) ------+
#     198.51.100.12 nat-b (symmetric) -+--- 198.51.100.1, 2001:db8::1 relay
#     2001:db8::c  edge-c -------------+
#
# BREAK=1 sends no keepalives: then the NATs forget, and pings must be lost.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
nat_kind=([a]=cone)
blind_network a b
for s in a b; do
	inside nat-$s sysctl -qw net.netfilter.nf_conntrack_udp_timeout=30 net.netfilter.nf_conntrack_udp_timeout_stream=30
done
blind_file
sites_talk
declare -A was=()
for s in a b c; do
	was[$s]=$(endpoint_of $s)
	[[ ! ${BREAK:-} ]] || inside edge-$s wg set "wgb-$s" peer "$(key $relay)" persistent-keepalive 0
done

pairs=/sys/fs/bpf/wgxdp/default/blind_pairs
idle=(key hex 3e 00 00 00 3f 00 00 00) # with a limit of 0, as if it was used before this host started
there() { bpftool map lookup pinned $pairs "${idle[@]}" > /dev/null 2>&1; }
bpftool -j map dump pinned $pairs | grep -o '"key"' > "$work/pairs" || fail 'no pair talks'
! there || fail 'the idle pair is a real one'
# shellcheck disable=SC2046 # the size of struct blind_pair
bpftool map update pinned $pairs "${idle[@]}" value hex $(printf '00 %.0s' {1..176})
there || fail 'the idle pair was not added'
forwarded=$(shown get services.blind.original.forwarded)
sleep 70
expect 'packets between sites meanwhile' $(($(shown get services.blind.original.forwarded) - forwarded)) '<=' 12
! there || fail 'the idle pair is still there'
bpftool -j map dump pinned $pairs | grep -o '"key"' | cmp - "$work/pairs" || fail 'pairs that talk are gone too'
# pings to a first, because the last site to receive a ping is the last to open its own NAT
every_pair=(c-a b-a c-b a-b a-c b-c)
expect 'lost pings of 30, after 70 s of silence' "$(ping_all -c 5 -i 0.2 -W 5)" == 0
for s in a b c; do expect "site $s is where it was" "$(endpoint_of $s)" == "${was[$s]}"; done
expect_sums
