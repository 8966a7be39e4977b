# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What tests of several relays share: one internet with a name server, every site pinging every other one while relays go and come back, and
# what was lost meanwhile. The test has `sites`, and says of each:
#
#     in_site SITE COMMAND...         runs it there; start_in_site: in the background, as $!
#     server SITE                     the address there that the others ping
#     where SITE                      the number of the relay that it is at
source "${BASH_SOURCE[0]%/*}/lib.sh"

# shellcheck disable=SC2034 # for the tests
overlay=fd12:3456:789a
# shellcheck disable=SC2034
relays=(1 2 3)
declare -A daemons birds pings # by relay; by pair of sites

# A bridge that every host is plugged into, and a name server at it: $work/zone as dns.py has it
internet() {
	namespaces internet
	inside internet ip link add br0 type bridge
	inside internet ip link set br0 up
	addresses internet br0 198.51.100.53/24
	touch "$work/zone"
	start internet "$root/selftests/lib/dns.py" 198.51.100.53 "$work/zone" > "$work/dns"
	wait_for 5 'the name server listens' grep -q listening "$work/dns"
}
plug() { # HOST DEVICE [NAME at the bridge]
	cable "$1" "$2" internet "${3:-$1}"
	inside internet ip link set "${3:-$1}" master br0
}
ends() { # RELAY
	kill -KILL "${daemons[$1]}" "${birds[$1]}"
	wait "${daemons[$1]}" "${birds[$1]}" 2> /dev/null || :
}
reach_all() {
	local from to
	for from in "${sites[@]:?}"; do
		for to in "${sites[@]}"; do
			[[ $from == "$to" ]] || in_site "$from" ping -q -c 1 -W 1 "$(server "$to")" > /dev/null 2>&1 || return 1
		done
	done
}

# Begun here, pings go on through phases, of which gaps.py says what may be lost in each
pings_begin() {
	local s t
	for s in "${sites[@]}"; do
		for t in "${sites[@]}"; do
			[[ $s < $t ]] || continue
			start_in_site "$s" ping -D -n -i 0.05 -W 1 "$(server "$t")" > "$work/ping-$s-$t"
			pings[$s-$t]=$!
		done
	done
}
phase() { # NAME [RELAY that went]
	local site at=''
	for site in "${sites[@]}"; do at+=" $site:$(where "$site")"; done
	echo "$1 ${2:-0} $(date +%s.%N)$at" >> "$work/phases"
	say "$1 ${2:-}: $at"
}
pings_end() {
	phase end
	kill -INT "${pings[@]}"
	wait "${pings[@]}" || :
	"$root/selftests/lib/gaps.py" "$work" 10 || fail 'interruptions: see above'
	rm "$work/phases"
}
