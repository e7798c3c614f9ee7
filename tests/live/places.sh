#!/bin/bash
# Two modules change places at hooks where only one may be: netfilter at one priority, and the flow dissector of a network namespace.
. "$(dirname "$0")/../lib/sample.sh"
sent() { entries "$1" bss | jq '[.[0].value[".bss"][] | .sent // empty] | first'; }
attached() { inside status --json | jq -r '[.instances[] | .name as $name | .hooks[] | select(.attached) | "\($name):\(.program)"] | sort | join(" ")'; }
generation() { inside list --json | jq .generation; }
for name in left right; do
	cp -r "$top/tests/modules/turn" "$tmp/$name"
	sed -i "s/^name: .*/name: $name/" "$tmp/$name/iov.yaml"
done
sample_up "iov-places-$$" "$tmp/left" "$tmp/right"

check "left takes the places" inside install left
with_left=$(generation)
hooks=$(attached)
check "left goes" inside remove left
check "right takes them" inside install right
# Not in_b: $! has to be the sender, not a shell around it.
nsenter --net="/run/netns/$net-b" bash -c 'while :; do echo >/dev/udp/10.77.0.1/9; sleep 0.01; done 2>/dev/null' & sender=$!
check "left takes the places of right in one step" inside rollback "$with_left"
sleep 0.3
kill "$sender"
wait "$sender" 2>/dev/null
equal "left is there alone" "$(attached)" "$hooks"
taken="has a flow dissector already"
if [[ "$hooks" = *on_output* ]]; then
	equal "and sees packets" "$(($(sent left) > 0))" 1
	taken="another program has the place"
fi
refuses "who comes while a place is taken" 14 "$taken" inside install right
equal "changes nothing" "$(attached)" "$hooks"
check "and back in one step" inside rollback
equal "right is there alone" "$(attached)" "${hooks//left/right}"
check "remove" inside remove right
equal "nothing is left" "$(in_b bpftool -j net | jq '.[0].flow_dissector | length')" 0
