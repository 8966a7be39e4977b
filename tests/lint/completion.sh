#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion for bash: all commands, their nouns and all of their options, each as the help has it; values of options.
# BREAK=1 hides a command from it, which must be missed.
set -euo pipefail
cd "$(dirname "$0")/../.."
wgxdp=${O:-build}/wgxdp
fail() { echo "FAIL: $*"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/wgxdp" << EOF
#!/bin/sh
[ "\$1 \$2" != 'show services' ] || { echo '{"services":[{"name":"wg-end","id":1},{"name":"vpn2"}]}'; exit; }
[ "\$1" != --help ] || { $(realpath "$wgxdp") --help | sed '${BREAK:+/ reload/d}'; exit; }
exec $(realpath "$wgxdp") "\$@"
EOF
chmod +x "$work/wgxdp"
PATH=$work:$PATH
# shellcheck source=scripts/wgxdp.bash-completion
source scripts/wgxdp.bash-completion

completes() { # WORD... what is there so far, the last one begun: one a line
	COMP_WORDS=(wgxdp "$@") COMP_CWORD=$#
	_wgxdp
	printf '%s\n' "${COMPREPLY[@]}"
}
has() { # WHAT WORD...
	local all
	all=$'\n'$(completes "${@:2}")$'\n'
	[[ $all == *$'\n'"$1"$'\n'* ]] || fail "'$1' is not among what completes '${*:2}': $all"
}
lacks() { ! (has "$@") > /dev/null || fail "'$1' completes '${*:2}'"; }

commands=$(sed -n 's/^\t{ "\([a-z]*\)", cmd_.*/\1/p' user/cmd/main.c)
(($(wc -w <<< "$commands") > 15)) || fail 'no commands in user/cmd/main.c'
for command in $commands; do
	has "$command" ''
	help=$("$wgxdp" "$command" --help)
	while read -r option; do
		has "$option" "$command" "-"
	done < <(sed -n '/^$/,$p' <<< "$help" | grep -oE '^ +(-[a-zA-Z0-9],? *)?(--[a-z0-9-]+)' | grep -oE -- '--[a-z0-9-]+')
done
for noun in add set del deny allow; do has $noun service ''; done
for noun in add set del import; do has $noun peer ''; done
for noun in interfaces services peers routes flows metrics; do has $noun show ''; done
for noun in hosts nft; do has $noun gen ''; done
has reload rel
lacks up rel
has wg-end service set ''
has vpn2 service deny ''
lacks wg-end service add ''
has native up --mode ''
has lo up --wan ''
has masquerade up --wan eth0 --nat mas
has check --instance second ch
has Makefile up -c Make
echo 'what completes is what the program knows'
