#!/bin/bash
# Registries on real servers: git over https (nginx, fcgiwrap, git http-backend), over ssh (sshd), and a file:// URL. Without a kernel.
. "$(dirname "$0")/../lib/test.sh"
PATH=$PATH:/usr/sbin
for tool in jq git nginx fcgiwrap sshd ssh-keygen openssl; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
getent hosts localhost >/dev/null || skip_all "localhost is no name here; /etc/hosts has none"
backend=$(git --exec-path)/git-http-backend
[ -x "$backend" ] || skip_all "git http-backend is not installed"

registry=$tmp/registry.git
servers=()
cleanup() {
	[ ${#servers[@]} -eq 0 ] || kill "${servers[@]}" 2>/dev/null
	[ -z "${made_run_sshd:-}" ] || rmdir /run/sshd
}

# ---- what the servers share

# A port of 127.0.0.1 where nobody listens, below those that the kernel gives to clients.
free_port() {
	local port
	while port=$((20000 + RANDOM % 12000)); (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
	echo "$port"
}
serve() { # LOG COMMAND...
	local log=$1; shift
	"$@" >"$log" 2>&1 &
	servers+=($!)
}
wait_for_port() {
	for _ in {1..100}; do (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done
	cp "$2" "$out"; fail "the server on port $1 does not answer"; exit 1
}
stop_last_server() { kill "${servers[-1]}"; wait "${servers[-1]}" 2>/dev/null; unset 'servers[-1]'; }

# ---- what is asked of each of them

said() { if grep -qF -- "$2" "$out"; then pass "$1"; else fail "$1: expected '$2'"; fi; } # NAME WORDS: of the command before

patch=0
next_release() { # prints a folder with flow-table in a version that nobody has yet
	cp -r "$top/bpf-samples/flow-table" "$tmp/flow-table.$1"
	sed -i "s/^version: .*/version: 1.0.$1/" "$tmp/flow-table.$1/iov.yaml"
}
client() { "$IOVPKG" --root "$tmp/$transport" "$@"; }
incoming() { git -C "$registry" for-each-ref --format='%(refname)' refs/heads/incoming; }

reads() { # URL
	check "$transport: registry add" client registry add far "$1" --yes
	says "$transport: search" flow-table client search flow
	check "$transport: install" client install flow-table --no-load
	equal "$transport: it is there" "$(client list --json | jq -r '.modules[].name')" flow-table
	patch=$((patch + 1)); next_release $patch
	check "$transport: the host publishes another release" author publish "$tmp/flow-table.$patch" --registry "$registry" --key test
	check "$transport: registry update" client registry update
	check "$transport: the new release can be installed" client install "flow-table@=1.0.$patch" --no-load
	equal "$transport: and is" "$(client list --json | jq -r '.modules[].version')" "1.0.$patch"
}
submits() { # URL: a publisher elsewhere has a key that the registry knows, and is no host of it
	patch=$((patch + 1)); next_release $patch
	rm -rf "$tmp/$transport/etc/iovpkg/keys" && cp -r "$tmp/author/etc/iovpkg/keys" "$tmp/$transport/etc/iovpkg/keys"
	says "$transport: publish" submitted client publish "$tmp/flow-table.$patch" --registry "$1" --key test
	equal "$transport: the submission waits" "$(incoming | grep -cE '^refs/heads/incoming/[0-9a-f]{64}$')" 1
	refuses "$transport: until then it is in no index" 5 "1.0.$patch" client install "flow-table@=1.0.$patch" --no-load
	says "$transport: registry accept" "1.0.$patch" author registry accept "$registry"
	equal "$transport: none waits" "$(incoming)" ""
	check "$transport: the client sees it" client install "flow-table@=1.0.$patch" --no-load
}

check "registry init" author registry init "$registry" --origin test.example/modules --key test
check "the first release" publish flow-table

# ---- https

transport=https
web=$tmp/web port=$(free_port)
mkdir -p "$web" "$tmp/https/etc/iovpkg" "$tmp/stranger"
make_certificates() (
	cd "$web" &&
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=Test CA" -keyout ca.key -out ca.pem &&
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr &&
		openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile <(echo subjectAltName=DNS:localhost) -out server.pem
)
check "certificates of an authority of our own" make_certificates
git -C "$registry" config http.receivepack true
cat >"$web/nginx.conf" <<END
$([ "$(id -u)" != 0 ] || echo "user root;")
daemon off;
pid $web/nginx.pid;
error_log stderr;
events {}
http {
	access_log off;
	client_max_body_size 64m;
	client_body_temp_path $web/body;
	proxy_temp_path $web/proxy;
	fastcgi_temp_path $web/fastcgi;
	uwsgi_temp_path $web/uwsgi;
	scgi_temp_path $web/scgi;
	server {
		listen 127.0.0.1:$port ssl;
		ssl_certificate $web/server.pem;
		ssl_certificate_key $web/server.key;
		location /members/ { add_header WWW-Authenticate "Basic realm=members" always; return 401; }
		location /moved/ { return 302 https://elsewhere.invalid\$request_uri; }
		location / {
			fastcgi_pass unix:$web/socket;
			fastcgi_param SCRIPT_FILENAME $backend;
			fastcgi_param GIT_PROJECT_ROOT $tmp;
			fastcgi_param GIT_HTTP_EXPORT_ALL 1;
			fastcgi_param PATH_INFO \$uri;
			fastcgi_param QUERY_STRING \$query_string;
			fastcgi_param REQUEST_METHOD \$request_method;
			fastcgi_param CONTENT_TYPE \$content_type;
			fastcgi_param CONTENT_LENGTH \$content_length;
		}
	}
}
END
start_web() {
	serve "$web/log" nginx -e stderr -p "$web" -c "$web/nginx.conf"
	wait_for_port "$port" "$web/log"
}
serve "$web/fcgi.log" env -i PATH="$PATH" HOME="$web" GIT_CONFIG_NOSYSTEM=1 fcgiwrap -s "unix:$web/socket"
start_web
url=https://localhost:$port
stranger() { "$IOVPKG" --root "$tmp/stranger" "$@"; }

refuses "https: an authority that nobody told us of" 11 "certificate is not trusted" stranger registry add far "$url/registry.git" --yes
said "https: it says where to write it" "of its authority to '$tmp/stranger/etc/iovpkg/ca.pem'"
mkdir -p "$tmp/stranger/etc/iovpkg" && echo "no certificate" >"$tmp/stranger/etc/iovpkg/ca.pem"
refuses "https: a ca.pem that is none" 3 "$tmp/stranger/etc/iovpkg/ca.pem" stranger registry add far "$url/registry.git" --yes
cp "$web/ca.pem" "$tmp/https/etc/iovpkg/ca.pem"
refuses "https: a certificate for another name" 11 "certificate is not trusted" client registry add far "https://127.0.0.1:$port/registry.git" --yes
refuses "https: no repository there" 11 "404" client registry add far "$url/nothing.git" --yes
refuses "https: a password is asked for" 11 "iovpkg sends none" client registry add far "$url/members/registry.git" --yes
refuses "https: no redirect to another host" 11 "$url/moved/registry.git" client registry add far "$url/moved/registry.git" --yes
reads "$url/registry.git"
submits "$url/registry.git"
stop_last_server
refuses "https: a server that is gone" 11 "cannot be reached" client registry update
says "https: what was seen answers" flow-table client search flow
start_web
check "https: a server that is back" client registry update
patch=$((patch + 1)); next_release $patch
check "https: the host publishes once more" author publish "$tmp/flow-table.$patch" --registry "$registry" --key test
two_updates() { client registry update & client registry update && wait $!; }
check "https: two updates at once" two_updates

# ---- file

transport="file"
reads "file://$registry"
refuses "file: no such folder" 11 "there is no such folder" client registry add gone "file://$tmp/nothing.git" --yes

# ---- ssh

transport=ssh
case $(getent passwd "$(id -un)" | cut -d: -f7) in
*/nologin | */false | "") skip "ssh" "the user $(id -un) cannot log in"; exit ;;
esac
shell=$tmp/shell port=$(free_port) ssh_home=$tmp/ssh/etc/iovpkg/.ssh
mkdir -p "$shell" "$ssh_home"
# sshd that root runs wants this folder, which the service makes where it is used.
[ "$(id -u)" != 0 ] || [ -d /run/sshd ] || { mkdir /run/sshd && made_run_sshd=1; }
for key in "$shell/host" "$shell/other" "$ssh_home/id_ed25519"; do ssh-keygen -q -t ed25519 -N "" -C test -f "$key"; done
cat >"$shell/config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $shell/host
PidFile none
AuthorizedKeysFile $shell/authorized
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
END
serve "$shell/log" "$(command -v sshd)" -D -e -f "$shell/config"
wait_for_port "$port" "$shell/log"
url=ssh://$(id -un)@127.0.0.1:$port$registry
known() { echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 "$shell/$1.pub")" >"$ssh_home/known_hosts"; }

refuses "ssh: a host key that nobody knows" 11 "$ssh_home/known_hosts" client registry add far "$url" --yes
said "ssh: it says what to do" "compare the fingerprint"
known other
refuses "ssh: another host key than the known one" 11 "$ssh_home/known_hosts" client registry add far "$url" --yes
known host
refuses "ssh: a user key that the server does not know" 11 "accepts none of your keys" client registry add far "$url" --yes
cp "$ssh_home/id_ed25519.pub" "$shell/authorized"
refuses "ssh: no repository there" 11 "nothing.git" client registry add far "$url/nothing.git" --yes
reads "$url"
submits "$url"
stop_last_server
refuses "ssh: a server that is gone" 11 "cannot be reached" client registry update
