#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 400
# A site cannot cut off another site by taking its address and port, and a site that gets an address later works. Two
# sites have the same address and port. Site a sends one authenticated packet with site b's address, which must not
# cut b off, at once and after b's next keepalive. Then a is switched off, and its address is given to b. b's messages
# go on, at the latest when a has been silent for a minute. No packet between b and c is lost after that. BREAK=1
# takes the tunnel of c down.
#
#     server-a - edge-a - nat-a 198.51.100.11 ----+
#     server-b - edge-b - nat-b 198.51.100.12 ----+ internet ---- 198.51.100.1 relay
#     server-c - edge-c 2001:db8::c --------------+
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

reach() { # WHEN: b and c lose nothing
	expect "lost from b to c of 20, $1" "$(ping_between b c -c 20 -i 0.1 -W 5)" == 0
	expect "lost from c to b of 20, $1" "$(ping_between c b -c 20 -i 0.1 -W 5)" == 0
}
none_lost() { [[ $(ping_between b c -c 3 -i 0.2 -W 2) == 0 ]]; }

on=relay
nat_kind=([a]=cone [b]=cone)
blind_network a b
blind_file
sites_talk
reach 'at first'

# one packet of a with b's address
inside nat-a nft -f - <<- 'END'
	table ip forge { chain p { type nat hook postrouting priority 90; oifname "out" udp sport 51820 snat to 198.51.100.12:51820; }; }
END
inside nat-a conntrack -F 2> /dev/null || :
inside edge-a ping -c 1 -W 0.3 "$tunnels::1" > /dev/null || :
heard() { grep -q 'site-a sends from the endpoint of site site-b' "$work/daemon"; }
wait_for 10 'the daemon says that a sends from an address of b' heard
[[ ! ${BREAK:-} ]] || inside edge-c ip link set wgb-c down
reach 'after a packet of a with the address of b'
sleep 27
reach 'after a keepalive of b'

# a is switched off, and b has its address
inside nat-a nft delete table ip forge
inside nat-a conntrack -F 2> /dev/null || :
inside edge-a ping -c 1 -W 2 "$tunnels::1" > /dev/null || fail 'a does not come back'
inside edge-a ip link set wgb-a down
inside nat-a ip address del 198.51.100.11/24 dev out
inside nat-b ip address del 198.51.100.12/24 dev out
inside nat-b ip address add 198.51.100.11/24 dev out
inside nat-b conntrack -F 2> /dev/null || :
inside relay ip neigh flush dev eth0
from=$SECONDS
inside edge-b ping -c 3 -i 0.5 -W 2 "$tunnels::1" > /dev/null || say 'the first pings are lost'
wait_for 120 "messages for b go to the former address of a" none_lost
say "after $((SECONDS - from)) s"
reach 'with the former address of a'
expect 'the endpoint of a' "$(site_shown a endpoint)" == None
say ok
