#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# Repeated initiations move no site of two blind relays that share an address. An attacker has recorded initiations of
# each site for two blind relays that share an address. The WireGuard of the relay on standby has not seen them. No
# site moves when the attacker repeats them from its own address:
# - The first one, to the own address of the relay on standby. Then the active relay loses its power. The attacker sends
#   data of each site to the other one again and again.
# - The last one, 20 ms after data of the site, to the relay that has become active.
# - Data of the sites, while their answers take 0.2 s. WireGuard has seen the initiations. The relay asks a site whether
#   it has moved. From then on it waits longer, so the attacker hears one question for each site.
# The attacker sends on to the site and to the relay what it receives.
#
# Then site 1, still behind the slow link, begins a new session from another port: the relay finds it at once.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/keepalived.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-hosts.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-pair.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-attacker.sh"
sites=${SITES:-4}
relays=(r1 r2)
relay_addresses=()
expect_no_move() { # WHEN
	places > "$work/after"
	diff "$work/before" "$work/after" > "$work/moved" || cat "$work/moved"
	expect_also "$1: places of sites that are others" "$(grep -c '^[<>]' "$work/moved")" == 0
}

attacks_early() { # STANDBY SECONDS: sends the first initiation to STANDBY, then data of all sites
	start attacker "$attack" early "$work/known-r2" 198.51.100.1 "$1" "$port" "$2" > "$work/early"
	early=$!
	wait_for 5 'the attacker' grep -q sent "$work/early"
	expect 'sites of which there are several initiations' "$(awk '/early/ && $4 > 1' "$work/early" | wc -l)" '>=' 2
}
heard() { awk '/came/ {print $2}' "$work/early"; }

pair_network
attacker_host r1 r2
gateways attacker 198.51.100.254
learns pair_begins_anew
relays=(r2)
places > "$work/before"
attacks_early 198.51.100.3 15
sleep 0.5
expect "endpoints in r2's own WireGuard that are the attacker's" "$(inside r2 wg show wgr-r2 endpoints | grep -c 198.51.100.66)" '>=' 2
dies r1
wait_for 10 'r2 has the addresses' is_active r2
wait_for 20 "r2's own WireGuard has all sites" all_handshaken r2
wait $early
expect_also 'messages that the attacker heard' "$(heard)" == 0
expect_no_move 'on standby'

look
places > "$work/before"
inside attacker "$attack" repeat "$work/known-r2" 198.51.100.1 "$port" > "$work/repeated"
expect_also "sites whose initiation r2's own WireGuard answered" "$(awk '$NF >= 1' "$work/repeated" | wc -l)" '>=' 2
sleep 3
expect_no_move 'active'

start internet "$root/selftests/lib/delay.py" slow 0.2 > "$work/slow"
wait_for 5 'a slow link' grep -q ready "$work/slow"
inside internet sysctl -qw net.ipv4.conf.slow.rp_filter=0
inside internet ip route add default dev slow table 77
for ((i = 1; i <= sites; i++)); do inside internet ip rule add iif "s$i" table 77; done
places > "$work/before"
attacks_early 198.51.100.1 8
wait $early
expect_also 'messages that the attacker heard while sites are slow' "$(heard)" '>=' 2
expect_also 'messages that the attacker heard while sites are slow' "$(heard)" '<=' "$sites"
expect_no_move 'slow'

site_begins_anew 1 listen-port 4444
from=$(elapsed)
site_1_is() { expected_at r2 | holds "^1 $1\$"; } # ENDPOINT
wait_for 30 'the relay finds site 1 at its new port' site_1_is 10.7.1.2:4444
expect_also 'seconds until the relay has found site 1' "$(awk "BEGIN {print int($(elapsed) - $from)}")" '<=' 3
expect 'expectations that did not hold' $wrong == 0
