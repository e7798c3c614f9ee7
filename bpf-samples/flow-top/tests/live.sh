#!/bin/bash
# The top talker is the one that sent the most bytes, in the map and in the events.
. "$(dirname "$0")/../../../tests/lib/sample.sh"
sample_up iov-s-top flow-table flow-count flow-top
ranking() { entries flow-top top | jq -c 'map(.value | select(.bytes > 0) | [.bytes, .packets])'; }
largest() { entries flow-table flows | jq -c 'map(.value) | sort_by(-.bytes) | .[:8] | map([.bytes, .packets])'; }
last_event() { tail -n 1 "$tmp/flow-top.events"; }
tells_of() { last_event | jq -e --argjson port "$1" '.fields.target_port == $port' >/dev/null; }
# Packets that come in set the pace: a small one, once the interval is over, ranks what came before.
rank() { sleep 0.08; send_udp 1 4000; }

check "install" inside install flow-count --set iface=iov-b
check "install, with a short interval" inside install flow-top --set iface=iov-b --set interval_ms=50
follow flow-top
for i in 1 2 3 4 5 6 7 8 9; do send_udp $((i * 10)) $((4100 + i)); done
send_udp 200 4110
rank
equal "top has eight" "$(ranking | jq length)" 8
equal "those with the most bytes, the first first" "$(ranking)" "$(largest)"
equal "the first is the top talker" "$(ranking | jq -c '.[0]')" "[$((200 * 43)),200]"
check "an event tells of it" eventually tells_of 4110
equal "in full" "$(last_event | jq -cS '[.instance, .buffer, (.fields | del(.source_port))]')" \
	'["flow-top","top_talkers",{"bytes":8600,"packets":200,"proto":17,"source":"10.77.1.1","target":"10.77.2.2","target_port":4110}]'
check "with the port it came from" jq -e '.fields.source_port > 1023' <<<"$(last_event)"

send_udp 300 4111
rank
equal "another talker takes its place" "$(ranking | jq -c '.[:2]')" "[[$((300 * 43)),300],[$((200 * 43)),200]]"
check "and the event is of that one" eventually tells_of 4111

# The same with a long interval tells once where the short one goes on telling.
check "a second instance, with a long interval" inside load flow-top --as slow --set iface=iov-b --set interval_ms=600000
follow slow
events=$(wc -l <"$tmp/flow-top.events")
for _ in 1 2 3 4; do rank; done
more() { [ "$(wc -l <"$tmp/flow-top.events")" -ge $((events + 3)) ]; }
check "the short interval tells again and again" eventually more
check "the long one has told" eventually test -s "$tmp/slow.events"
equal "once" "$(wc -l <"$tmp/slow.events")" 1

equal "both read flows, and say that they do not write" "$(inside status --json | jq -c '[.instances[].maps[] | select(.name == "flows").importers[] | [.instance, .access]] | sort')" \
	'[["flow-count","write"],["flow-top","read"],["slow","read"]]'
leaves_nothing flow-count flow-top flow-table
