#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# A site's WireGuard under load gets its cookies through the blind relay. A stranger floods site b directly with initiations,
# so that b answers each initiation with a cookie (type 3). Site c, or a host at its address, floods b through the relay,
# which passes 32 initiations a second for this pair. Each cookie comes to the right site: c's cookies to c, and a's to a,
# which starts a new session meanwhile. With the cookie, b answers a's next initiation, and a reaches b during the flood.
#
#     198.51.100.11 nat-a --+
#     198.51.100.12 nat-b --+--- 198.51.100.1 relay
#     198.51.100.13 nat-c --+
#               floods from in of nat-b, and out of nat-c
#
# BREAK=1 leaves out the floods: then no cookie comes.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
rate=3000 times=10
of_relay="udp sport $port @th,64,8"
to_relay="udp dport $port @th,64,8 1"

cookies() { arrived "edge-$1" cookies; } # SITE: prints how many cookies the site got
came() { (($(cookies "$1") >= $2)); }

blind_network a b c
for s in a b c; do
	count_arrivals "edge-$s" cookies "iifname wan $of_relay 3"
	count_arrivals "nat-$s" initiations "iifname in $to_relay"
done
count_arrivals nat-a with_cookie "iifname in $to_relay @th,1120,128 != 0"
blind_file
sites_talk
expect 'cookies before' "$(cookies a) $(cookies b) $(cookies c)" == '0 0 0'

c_at=$(endpoint_of c)
if [[ ! ${BREAK:-} ]]; then
	start nat-b "$root/selftests/lib/challenge.py" in "$(mac edge-b wan)" 192.0.2.0/24 100.64.2.2 "$port" "$(key wgb-b)" $rate $times > "$work/stranger"
	start nat-c "$root/selftests/lib/challenge.py" out "$(mac relay eth0)" "${c_at%:*}/32" 198.51.100.1 "$port" "$(key wgb-b)" $rate $times \
		"${c_at#*:}" > "$work/flood"
	flooding=$!
fi
wait_for 10 'cookies for c' came c 100
before=$(arrived nat-a initiations)
forgets a wgb-b
knows_site a b
start server-a ping -q -c 100 -i 0.5 "$overlay:b::10" > /dev/null
pinger=$!
wait_for 30 "a's handshake with b" handshaken edge-a wgb-a "$(key wgb-b)"
kill $pinger
wait $pinger || :
asked=$(($(arrived nat-a initiations) - before))
expect 'cookies that a was sent' "$(cookies a)" '>=' 1
expect "cookies for a's $asked initiations, at most one for each" "$(cookies a)" '<=' $asked
expect "initiations of a's with a cookie" "$(arrived nat-a with_cookie)" '>=' 1
expect 'cookies that b was sent' "$(cookies b)" == 0
expect 'lost pings of 20 under load' "$(ping_between a b -c 20 -i 0.1 -W 5)" == 0
stop "$flooding"
expect 'cookies that c was sent' "$(cookies c)" '>=' 100
expect "cookies for $(said flood sent) initiations in c's name, at most one for each" "$(cookies c)" '<=' "$(said flood sent)"
expect "c is where it was" "$(endpoint_of c)" == "$c_at"
expect_sums
