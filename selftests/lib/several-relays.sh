# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shared by the tests of several relays: an internet with a name server, and pings between all sites while relays fail and come back. The
# test sets `sites`, and defines:
#
#     in_site SITE COMMAND...         runs COMMAND there; start_in_site: in the background, as $!
#     server SITE                     prints the address that the other sites ping
#     where SITE                      prints the number of the site's relay
source "${BASH_SOURCE[0]%/*}/lib.sh"

# shellcheck disable=SC2034 # for the tests
overlay=fd12:3456:789a
# shellcheck disable=SC2034
relays=(1 2 3)
declare -A daemons birds pings # by relay; pings by pair of sites

# A bridge that connects every host, and a name server on it, which reads $work/zone (dns.py)
internet() {
	namespaces internet
	bridge_with_address internet br0 198.51.100.53/24
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

# Starts pings between all sites. They run through all phases; gaps.py says what each phase may lose.
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
phase() { # NAME [RELAY: [RELAY that failed]
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
