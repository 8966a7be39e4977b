# SPDX-License-Identifier: GPL-2.0-or-later
# zsh -f completion.zsh DUMP WORD...: prints what an interactive zsh makes of the last word when Tab is pressed. The file
# DUMP keeps what zsh finds about completion, for the next call.
# wgxdp in PATH prints "called with" and its arguments.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($PWD/scripts/completion \$fpath); autoload -U compinit; compinit -u -d $1; echo ready"
zpty -r -m shell text '*ready*ready*' # the second one is the output
zpty -w shell "wgxdp ${*:2}"$'\t'
zpty -r -m shell text $'*called with*\n*'
zpty -d shell
text=${${text##*called with}%%$'\r'*}
print -r -- ${text##* }
