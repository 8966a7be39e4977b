#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# The status page in a real Chromium shows the numbers of `show --json`, is readable on any screen, and has no error.
# It is tried of a firewall with all features and of a blind relay. Its numbers match `show --json`, and its rates
# match the sent traffic. It is readable in light and dark, 1280 and 360 pixels wide, with nothing cut off, and by
# keyboard alone. Any name appears as text. The page asks for nothing while it is hidden or paused. It reports a
# missing daemon and a failed reload, it reads the API with the password that the browser has, and the console stays
# empty. SHOTS=DIR writes the pictures of docs/ there. BREAK=1 pauses the page before the last packets come.
#
# The network is that of everything.sh; Chromium runs on the firewall, and then on the relay.
if [[ ! ${WGXDP_HOST:-} ]]; then # a host name of our own
	# shellcheck disable=SC2016 # for the shell inside
	WGXDP_HOST=firewall exec unshare --uts bash -c 'echo firewall > /proc/sys/kernel/hostname; exec "$0" "$@"' "$0" "$@"
fi
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/everything.sh"

shots=${SHOTS:-$work}

begin_browser() { # INSTANCE [USER:PASSWORD@]
	rm -f "$work/asks" "$work/says"
	mkfifo "$work/asks" "$work/says"
	inside "${on:-firewall}" "$root/selftests/lib/page.py" "http://${2:-}localhost:9851/" "$wgxdp" show --instance "$1" --json \
		< "$work/asks" > "$work/says" 2> "$work/browser" &
	looker=$!
	exec 7> "$work/asks" 8< "$work/says"
}
page() { # COMMAND
	local answer
	echo "$*" >&7 || fail "the browser is gone: $(tail -n 5 "$work/browser")"
	IFS= read -r answer <&8 || fail "no answer to $*: $(tail -n 5 "$work/browser")"
	[[ $answer == ok* ]] || fail "$answer"
	say "$answer"
}
end_browser() {
	exec 7>&- 8<&-
	wait "$looker" || fail "the browser: $(tail -n 5 "$work/browser")"
}

everything_network
named=$hostile
hostile='' everything_file
start_daemon -c /etc/wgxdp/wgxdp.yaml
everything_talks
begin_browser default
page answers 2
start_listener wg-end sink -e 192.168.1.10:4434
sink=$!
start client "$udptool" ask -n 15000 -r 500 -w 3000 -s 1000 198.51.100.7:4000 198.51.100.1:4434 > "$work/asked"
asker=$!
start client ping -q -i 0.02 -c 1400 -s 500 10.77.0.1 > /dev/null
page rate services named To_the_backend 200 15
page answers 6
page look light 1280 "$shots/page-light.png"
page look dark 360 "$shots/page-dark-360.png"
wait $asker
stop $sink
[[ ! ${BREAK:-} ]] || page pause
inside client "$udptool" send -n 7 uplink "$(mac firewall wan)" 198.51.100.7:4001 198.51.100.1:4433 > /dev/null
page tree
page look light 360
page look dark 1280
page look light 320
page numbers
page keys
page hidden
page console

hostile=$named everything_file
kill -HUP "$daemon"
has_hostile() { api interfaces | holds onerr; }
wait_for 10 'the interface with the odd name' has_hostile
page answers 2
page text "$named"
page look light 360
page console
echo nonsense >> /etc/wgxdp/wgxdp.yaml
kill -HUP "$daemon"
page state 'The_last_reload_failed'
page console
end_daemon
page state 'The_daemon_does_not_answer_since'
hostile=$named everything_file
start_daemon -c /etc/wgxdp/wgxdp.yaml
page answers 2
page state 'need'
end_daemon
end_browser

# the password is `correct horse`; the browser has it from the address of the page, and for the API from the page's request
# shellcheck disable=SC2016 # the dollar signs are bcrypt's
echo 'basic_auth_users: { prometheus: "$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu" }' > "$work/web.yml"
everything_file "web-config: $work/web.yml"
start_daemon -c /etc/wgxdp/wgxdp.yaml
begin_browser default 'prometheus:correct%20horse@'
page answers 2
page console
end_browser
end_daemon

blind_everything
begin_browser blind
page answers 2
page numbers
page look light 1280 "$work/blind.png"
page look dark 360 "$work/blind-360.png"
page console
end_browser
end_daemon
