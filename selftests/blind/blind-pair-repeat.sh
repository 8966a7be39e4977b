#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# An attacker has recorded an initiation of each site for two blind relays that share an address. The active relay loses
# its power, and the WireGuard of the other one has not seen these initiations. Then the attacker sends, for each site,
# one data message of the site from its own address, and 20 ms later the initiation. No site moves.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/keepalived.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-hosts.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-pair.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-attacker.sh"
sites=${SITES:-3}
relays=(r1 r2)
pretends() { :; }

pair_network
attacker_host r1 r2
gateways attacker 198.51.100.254
learns pair_begins_anew
dies r1
wait_for 10 'r2 has the addresses' is_active r2
wait_for 20 "r2's own WireGuard has all sites" all_handshaken r2

relays=(r2)
look
places > "$work/before"
inside attacker "$attack" repeat "$work/known-r2" 198.51.100.1 "$port"
sleep 3
places > "$work/after"
diff "$work/before" "$work/after" > "$work/moved" || cat "$work/moved"
expect 'places of sites that are others' "$(grep -c '^[<>]' "$work/moved")" == 0
