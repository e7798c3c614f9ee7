# Real servers on 127.0.0.1 for whole-command tests; sourced after test.sh. They end with the test: a test that has a cleanup of its own calls
# stop_servers in it.
#   need_tools TOOL...                   the whole file is skipped without them
#   need_git_backend                     the same for git http-backend, whose path is $backend
#   free_port                            prints a port where nobody listens
#   serve LOG COMMAND...                 a server in the background; wait_for_port PORT LOG
#   stop_last_server                     the one started last
#   make_certificates                    an authority of our own: $web/ca.pem; for localhost: $web/server.pem, $web/server.key
#   web_config                           $web/nginx.conf of the server blocks on standard input
#   web_listen PORT                      prints what a server block needs for TLS on that port
#   web_git FOLDER                       prints what a location needs to be git http-backend over the repositories in FOLDER
#   start_git_backend, start_web PORT    the programs behind them
#   can_log_in, start_sshd PORT          sshd with $shell/host as its host key and $shell/authorized
PATH=$PATH:/usr/sbin
web=$tmp/web shell=$tmp/shell
servers=()

need_tools() {
	local tool
	for tool; do command -v "$tool" >/dev/null || skip_all "$tool is not installed"; done
	getent hosts localhost >/dev/null || skip_all "localhost is no name here; /etc/hosts has none"
}
need_git_backend() {
	need_tools git nginx fcgiwrap openssl
	backend=$(git --exec-path)/git-http-backend
	[ -x "$backend" ] || skip_all "git http-backend is not installed"
}
cleanup() { stop_servers; }
stop_servers() {
	[ ${#servers[@]} -eq 0 ] || kill "${servers[@]}" 2>/dev/null
	[ -z "${made_run_sshd:-}" ] || rmdir /run/sshd
}

# Below the ports that the kernel gives to clients.
free_port() {
	local port
	while port=$((20000 + RANDOM % 12000)); (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
	echo "$port"
}
serve() {
	local log=$1; shift
	"$@" >"$log" 2>&1 &
	servers+=($!)
}
wait_for_port() {
	for _ in {1..100}; do (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done
	cp "$2" "$out"; fail "the server on port $1 does not answer"; exit 1
}
stop_last_server() { kill "${servers[-1]}"; wait "${servers[-1]}" 2>/dev/null; unset 'servers[-1]'; }

# ---- nginx, and git behind it

make_certificates() (
	mkdir -p "$web" && cd "$web" &&
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=Test CA" -keyout ca.key -out ca.pem &&
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr &&
		openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile <(echo subjectAltName=DNS:localhost) -out server.pem
)
web_config() {
	mkdir -p "$web"
	cat >"$web/nginx.conf" <<-END
		$([ "$(id -u)" != 0 ] || echo "user root;")
		daemon off;
		pid $web/nginx.pid;
		error_log stderr;
		events {}
		http {
			types { text/plain txt; }
			access_log off;
			client_max_body_size 64m;
			client_body_temp_path $web/body;
			proxy_temp_path $web/proxy;
			fastcgi_temp_path $web/fastcgi;
			uwsgi_temp_path $web/uwsgi;
			scgi_temp_path $web/scgi;
			$(cat)
		}
	END
}
web_listen() { echo "listen 127.0.0.1:$1 ssl; ssl_certificate $web/server.pem; ssl_certificate_key $web/server.key;"; }
web_git() {
	cat <<-END
		fastcgi_pass unix:$web/socket;
		fastcgi_param SCRIPT_FILENAME $backend;
		fastcgi_param GIT_PROJECT_ROOT $1;
		fastcgi_param GIT_HTTP_EXPORT_ALL 1;
		fastcgi_param PATH_INFO \$uri;
		fastcgi_param QUERY_STRING \$query_string;
		fastcgi_param REQUEST_METHOD \$request_method;
		fastcgi_param CONTENT_TYPE \$content_type;
		fastcgi_param CONTENT_LENGTH \$content_length;
	END
}
start_git_backend() {
	serve "$web/fcgi.log" env -i PATH="$PATH" HOME="$web" GIT_CONFIG_NOSYSTEM=1 fcgiwrap -s "unix:$web/socket"
}
start_web() {
	serve "$web/log" nginx -e stderr -p "$web" -c "$web/nginx.conf"
	wait_for_port "$1" "$web/log"
}

# ---- sshd

# False where the user may not log in, which sshd asks.
can_log_in() {
	case $(getent passwd "$(id -un)" | cut -d: -f7) in
	*/nologin | */false | "") return 1 ;;
	esac
}
start_sshd() {
	mkdir -p "$shell"
	# sshd that root runs wants this folder, which the service makes where it is used.
	[ "$(id -u)" != 0 ] || [ -d /run/sshd ] || { mkdir /run/sshd && made_run_sshd=1; }
	[ -e "$shell/host" ] || ssh-keygen -q -t ed25519 -N "" -C test -f "$shell/host"
	cat >"$shell/config" <<-END
		Port $1
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
	wait_for_port "$1" "$shell/log"
}
