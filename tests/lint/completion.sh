#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# Completion in bash, zsh and fish offers commands, their words, options, values of options, and file names.
# selftests/instance/instances.sh completes the names of running objects. BREAK=1 hides a command, which must be
# missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
built=$(realpath "${O:-build}/wgxdp")
fail() { echo "FAIL: $*"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The shells run this as wgxdp: it completes as the program does, and prints what else it is called with
cat > "$work/wgxdp" << EOF
#!/bin/sh
case "\$*" in
complete*an_i) echo 'an_interface\$(id)' ;;
complete*) $built "\$@" | sed '${BREAK:+/^reload/d}' ;;
*) echo "called with" "\$@" ;;
esac
EOF
chmod +x "$work/wgxdp"
PATH=$work:$PATH

completes() { wgxdp complete "$@" | cut -f 1; }
declare -A known=()
has() { # COMPLETION WORD... the words so far, the last one begun
	[[ ${known["${*:2} "]:-} ]] || known["${*:2} "]=$'\n'$(completes "${@:2}")$'\n'
	[[ ${known["${*:2} "]} == *$'\n'"$1"$'\n'* ]] || fail "'$1' does not complete '${*:2}': ${known["${*:2} "]}"
}
lacks() { ! (has "$@") > /dev/null || fail "'$1' completes '${*:2}'"; }

commands=$("$built" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
(($(wc -w <<< "$commands") > 15)) || fail "hardly any command in --help: $commands"
for command in $commands; do
	has "$command" ''
	while read -r option; do
		has "$option" "$command" -
	done < <("$built" "$command" --help | sed -n '/^$/,$p' | grep -oE '^ +(-[a-zA-Z0-9],? *)?(--[a-z0-9-]+)' | grep -oE -- '--[a-z0-9-]+')
done
for noun in add set del deny allow; do has $noun service ''; done
for noun in add del; do has $noun service deny ''; done
for noun in add set del import; do has $noun peer ''; done
for noun in interfaces services peers routes flows metrics; do has $noun show ''; done
for noun in hosts nft; do has $noun gen ''; done
has lo up --wan ''
lacks reload up --wan ''
has masquerade up --wan eth0 --nat ''
has lo --instance second up --wan ''
has handshake monitor --event ''
lacks --help --instance ''
lacks --help show --instance ''
has guard_mac1 monitor --reason ''
lacks probe monitor --reason ''
has @file up -c ''
has @file gen hosts ''
lacks @file gen nft ''

bash_completes() { # WORD...
	COMP_WORDS=(wgxdp "$@") COMP_CWORD=$#
	_wgxdp
	echo "${COMPREPLY[@]}"
}
zsh_completes() { zsh -f tests/lint/completion.zsh "$work/zcompdump" "$@"; }
# shellcheck disable=SC2016 # fish expands $argv
fish_completes() { fish --no-config -c 'source scripts/completion/wgxdp.fish; complete -C "wgxdp $argv"' -- "$*" | cut -f 1; }
# shellcheck source=scripts/completion/wgxdp.bash
source scripts/completion/wgxdp.bash

for shell in bash zsh fish; do
	while read -r completed words; do
		# shellcheck disable=SC2086 # several words
		result=$(${shell}_completes $words)
		[[ $result == "$completed" ]] || fail "$shell completes 'wgxdp $words' to '$result', not to '$completed'"
	done <<- 'EOF'
		reload rel
		native up --mode nat
		--dry-run reload --dry
		masquerade up --wan eth0 --nat mas
		interfaces show interf
		Makefile up -c Make
		Makefile check Make
		--config --instance second check --con
		an_interface$(id) up --wan an_i
	EOF
	echo "ok $shell"
done
