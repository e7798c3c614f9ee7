# Plain words on the terminal; colour only where a person looks.
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
tell() { printf '   %s\n' "$*"; }
# Shows a command as a person would type it, then runs it.
show() { printf '%s$ %s%s\n' "$dim" "${shown:-$*}" "$plain"; "$@"; }
die() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }
