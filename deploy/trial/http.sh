#!/usr/bin/env bash
# Static files over HTTP beside nginx, on one core each in the same run, reloads under load, and idle long polls:
#
#   deploy/trial/http.sh PROGRAM [ROUNDS] [POLLS]       (PROGRAM: a release build; NGINX names another nginx)
#
# Server on core 0, wrk on core 1, ours and nginx in turn; the median of the rounds and the ratio are printed.
# Wants nginx, wrk, curl, openssl, python3. Everything is on loopback and ends with the script.
set -euo pipefail
program=$(realpath "${1:?usage: http.sh PROGRAM [ROUNDS] [POLLS]}")
rounds=${2:-5} polls=${3:-10000} seconds=${SECONDS_EACH:-4}
nginx=${NGINX:-nginx}
here=$(realpath "$(dirname "$0")")
folder=$(mktemp -d /var/tmp/blockfeed-http-XXXXXX)
trap 'kill $(jobs -p) 2>/dev/null; wait 2>/dev/null; rm -rf "$folder"' EXIT
export BLOCKFEED_PASSPHRASE='a passphrase of the trial'
ulimit -n "$(ulimit -Hn)"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
"$program" init --origin trial.example/1 --demo-officers --data "$folder/data" >/dev/null 2>&1
for size in 1024 65536; do
  head -c "$size" /dev/urandom >"$folder/file"
  name=$(sha256sum "$folder/file" | cut -d' ' -f1)
  mkdir -p "$folder/data/public/part"
  mv "$folder/file" "$folder/data/public/part/$name"
  eval "file$size=part/$name"
done
ours=$(free_port) theirs=$(free_port) metrics=$(free_port) dns=$(free_port) tls=$(free_port)
# A new pair for the TLS listener, each put in place whole.
certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -days 1 \
    -keyout "$folder/new.key" -out "$folder/new.pem" 2>/dev/null
  mv "$folder/new.key" "$folder/tls.key"
  mv "$folder/new.pem" "$folder/tls.pem"
}
certificate
taskset -c 0 "$program" serve --data "$folder/data" --listen 127.0.0.1:"$ours" --metrics 127.0.0.1:"$metrics" --dns 127.0.0.1:"$dns" \
  --set serve.address_connections=0 --set serve.connections=20000 --set serve.long_polls=20000 --set serve.long_poll=300 \
  --set serve.tls_listen=127.0.0.1:"$tls" --set serve.tls_certificate="$folder/tls.pem" --set serve.tls_key="$folder/tls.key" \
  --set logging.level=warn >"$folder/ours.log" 2>&1 &
server=$!
cat >"$folder/nginx.conf" <<END
daemon off; worker_processes 1; pid $folder/nginx.pid; error_log $folder/nginx.log;
events { worker_connections 4096; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=1000;
  client_body_temp_path $folder/b; proxy_temp_path $folder/p; fastcgi_temp_path $folder/f; uwsgi_temp_path $folder/u; scgi_temp_path $folder/s;
  server { listen 127.0.0.1:$theirs; root $folder/data/public; } }
END
chmod 755 "$folder"
taskset -c 0 "$nginx" -c "$folder/nginx.conf" -g 'user root;' 2>/dev/null &
for port in "$ours" "$theirs"; do
  for _ in $(seq 300); do curl -s -o /dev/null "http://127.0.0.1:$port/$file1024" && break; sleep 0.2; done
done

rate() { taskset -c 1 wrk -t1 -c64 -d"${seconds}s" "${@:2}" "$1" | awk '/Requests\/sec/ {print $2} /Non-2xx/ && !quiet {print "errors:", $0 > "/dev/stderr"}' quiet="${quiet:-}"; }
median() { sort -n | awk '{a[NR]=$1} END {print a[int((NR+1)/2)]}'; }
measure() {
  local what=$1 path=$2 conditional=${3:-} round a=() b=() tag=()
  for round in $(seq "$rounds"); do
    for port in "$ours" "$theirs"; do
      tag=()
      if [ -n "$conditional" ]; then
        tag=(-H "If-None-Match: $(curl -sI "http://127.0.0.1:$port/$path" | tr -d '\r' | sed -n 's/^[Ee][Tt]ag: //p')")
        [ "$(curl -s -o /dev/null -w '%{http_code}' "${tag[@]}" "http://127.0.0.1:$port/$path")" = 304 ] || echo "no 304 at $port"
      fi
      if [ "$port" = "$ours" ]; then a+=("$(quiet=$conditional rate "http://127.0.0.1:$port/$path" "${tag[@]}")")
      else b+=("$(quiet=$conditional rate "http://127.0.0.1:$port/$path" "${tag[@]}")"); fi
    done
  done
  local x y
  x=$(printf '%s\n' "${a[@]}" | median) y=$(printf '%s\n' "${b[@]}" | median)
  awk -v w="$what" -v x="$x" -v y="$y" 'BEGIN {printf "%-8s ours %9.0f/s   nginx %9.0f/s   ratio %.2f\n", w, x, y, x / y}'
}
measure "1 KiB" "$file1024"
measure "304" "$file1024" conditional
measure "64 KiB" "$file65536"
# Reloads under load, each with another certificate: what is open goes on, nobody new is turned away.
reload() {
  local n serials=() failed=0
  taskset -c 1 wrk -t1 -c64 -d12s "https://127.0.0.1:$tls/$file1024" >"$folder/wrk.out" &
  local load=$!
  for n in $(seq 20); do
    certificate
    kill -HUP "$server"
    sleep 0.3
    curl -sk -o /dev/null "https://127.0.0.1:$tls/$file1024" || failed=$((failed + 1))
    serials+=("$(curl -skv "https://127.0.0.1:$tls/$file1024" -o /dev/null 2>&1 | sed -n 's/.*start date: //p')")
  done
  wait "$load"
  awk -v failed="$failed" '/requests in/ {n = $1} /Socket errors|Non-2xx/ {wrong = wrong " " $0}
    END {printf "20 reloads with another certificate under load: %d requests, %s, %d of 20 new connections failed\n", n, wrong ? wrong : "none dropped", failed
      exit (wrong || failed)}' "$folder/wrk.out"
  printf '%s\n' "${serials[@]}" | sort -u | awk 'END {print "   certificates seen meanwhile: " NR; exit NR < 2}'
}
reload
python3 "$here/long_polls.py" 127.0.0.1 "$ours" "$metrics" "$server" "$polls"
