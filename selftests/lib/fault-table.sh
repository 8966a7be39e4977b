# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Tables of faults. Source lib.sh and wards.sh first. A row breaks one thing. Then doctor must report it, nothing else,
# and exit with 3. show, the metrics, the status page and the log of a daemon must agree. The row then runs the printed
# fix as it is, everything must work again, and the instance must still have its file. BREAK=1 breaks nothing: the first
# row fails.

rows=0 # rows that passed

own_etc() { # NAME...: empty directories of /etc, for this test alone
	local name
	for name; do
		mkdir -p "/etc/$name"
		mount -t tmpfs etc "/etc/$name"
	done
}
# shellcheck disable=SC2034 # the tests write it
file=/etc/wgxdp/wgxdp.yaml
up() { wgxdp up > "${work:?}/up" 2>&1 || fail "up: $(< "$work/up")"; }

said_by_all() { # [KIND NAME STATE]: show, metrics and page agree
	wgxdp show --json > "${work:?}/show.json" && wgxdp show metrics > "$work/metrics"
	"${root:?}/selftests/lib/agree.py" "$work/show.json" "$work/metrics" user/exporter/page.html "$@" > "$work/agreed" 2>&1
}

# A daemon needs time to follow
wait_until_said() { # WHAT [KIND NAME STATE]
	local i
	for ((i = 0; i < 100; i++)); do
		! said_by_all "${@:2}" || return 0
		sleep 0.1
	done
	fail "$1: $(< "$work/agreed")"
}

# Everything works, and doctor reports nothing except perhaps a warning about the clock
all_well() { # WHAT
	wait_until_said "$1"
	healthy "$1" "${doctor_options[@]}"
}
doctor_options=()

log_tells() { # TEXT: it came after the row began
	tail -n "+$((log_from + 1))" "$work/daemon" | holds -F "$1"
}

is_followed() { [[ ${daemon:-} ]] && kill -0 "$daemon" 2> /dev/null; }

# CHECK THING COMMAND...: the command breaks one thing, which doctor calls CHECK. THING: KIND NAME STATE as agree.py
# takes them, or - if it is no state of a service, interface, peer or site
row() {
	local check=$1 thing why
	read -ra thing <<< "$2"
	log_from=0
	! is_followed || log_from=$(wc -l < "$work/daemon")
	[[ ${BREAK:-} ]] || "${@:3}"
	[[ ${thing[0]} != - ]] || thing=()
	wait_until_said "$3" "${thing[@]}"
	why=$(< "$work/agreed")
	if [[ ${thing[1]:-} ]] && is_followed; then
		wait_for 40 "$3: the log has ${thing[0]} ${thing[1]}: ${thing[2]}: $why" log_tells "${thing[0]} ${thing[1]}: ${thing[2]}: $why"
	fi
	names "$check" "${doctor_options[@]}"
	[[ ${cure:?} != - ]] || fail "$3: no cure"
	heals
	[[ ! ${after:-} ]] || "$after"
	all_well "$3, cured"
	expect 'the file, after the fix' "$(shown get configuration.file)" == "$file"
	rows=$((rows + 1))
}

table_ends() { # LEAST
	expect 'faults that were named, and cured' "$rows" '>=' "$1"
}
