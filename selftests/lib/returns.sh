# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For tests that take away what the data path needs and bring it back: checks that wgxdp forwards again, without help.
# The test has `asks` questions of each family, and sets `ipv6` to the destination of the client's IPv6 packets.
source "${BASH_SOURCE[0]%/*}/lib.sh"

count_passed_up() {
	count_arrivals firewall passed_up "udp dport $port"
	inside firewall nft add rule inet seen arrivals udp sport "$port" counter name passed_up
}
answered() { # FROM TO
	inside client "$udptool" ask -n "${asks:?}" -r 1000 -w 100 "$1:4001" "$2:$port" > "$work/asked" && [[ $(said asked answered) == "$asks" ]]
}
forwards() { # AFTER WHAT: checks both families, in both directions
	local since=${EPOCHREALTIME/./} asked
	wait_for 5 "$1: forwarding" answered 198.51.100.7 198.51.100.1
	say "$1: forwarded after $(((${EPOCHREALTIME/./} - since) / 1000)) ms"
	wait_for 5 "$1: IPv6" answered '[2001:db8:1::7]' "[${ipv6:?}]"
	asked=$(arrived firewall passed_up)
	answered 198.51.100.7 198.51.100.1 || fail "$1: not answered"
	answered '[2001:db8:1::7]' "[$ipv6]" || fail "$1: IPv6 not answered"
	expect "$1: not by wgxdp" $(($(arrived firewall passed_up) - asked)) == 0
}
