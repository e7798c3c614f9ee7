#!/bin/bash
# The face of the program: help for every command from the table that parses it, exit codes, quiet, JSON errors, colours.
. "$(dirname "$0")/../lib/test.sh"
says "version" "iovpkg" "$IOVPKG" --version
says "help" install "$IOVPKG" --help
commands=$("$IOVPKG" --generate commands)
[ "$(wc -w <<<"$commands")" -ge 20 ] && pass "there are commands" || fail "there are commands"
for command in $commands; do
	says "help of $command" "iovpkg ${command//-/ }" "$IOVPKG" help ${command//-/ }
	if command -v mandoc >/dev/null; then
		"$IOVPKG" --generate man "$command" >"$tmp/page.1"
		mandoc -T lint -W warning "$tmp/page.1" >"$out" 2>&1 && pass "man page of $command" || fail "man page of $command"
	fi
done
check "the completion is bash" bash -n <("$IOVPKG" --generate completion)
refuses "an unknown command, with the nearest" 2 "install" "$IOVPKG" instal
refuses "an unknown option, with the nearest" 2 "--dry-run" "$IOVPKG" --root "$tmp/host" install x --dryrun
refuses "a missing argument" 2 "NAME" "$IOVPKG" --root "$tmp/host" info
says "status of a host with nothing" "" host status
equal "as JSON" "$(host status --json | jq -c .instances)" "[]"
host info nothing --json >"$tmp/json" 2>/dev/null
equal "errors are JSON too" "$(jq -r .error.code "$tmp/json")" 4
refuses "a root that cannot be written" 12 "/proc" "$IOVPKG" --root /proc/nothing key generate x --plain
