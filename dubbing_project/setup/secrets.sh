#!/usr/bin/env bash
# Makes the secret files that docker-compose.yml mounts; what is there already stays.
#
#   secrets.sh [FOLDER]     default: secrets/ in the checkout
#
# The folder is its owner's alone. The files in it are readable to all, because containers
# get them with owner and mode as they are and run as accounts of their own.
set -euo pipefail
folder="${1:-$(dirname "$0")/../../secrets}"
umask 077
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

random() {
    od -An -N 32 -t x1 /dev/urandom | tr -d ' \n'
}

# keep NAME TEXT: only when there is no such file yet, and never half of one.
keep() {
    [[ -e $1 ]] && return
    printf '%s\n' "$2" >"$1.new"
    chmod 444 "$1.new"
    mv "$1.new" "$1"
}

keep secret_key "$(random)$(random)"
keep metrics_token "$(random)"
keep postgres_password "$(random)"
keep database_url "postgresql://dubbing:$(<postgres_password)@database:5432/dubbing"
keep redis_auth.conf "requirepass $(random)"
keep redis_url "redis://:$(cut -d ' ' -f 2 redis_auth.conf)@redis:6379/0"
# Nothing random can stand for these: empty is none, until somebody fills them.
for name in secret_key_fallbacks google_credentials google_api_key elevenlabs_api_key; do
    keep "$name" ""
    # Also one that an earlier version made: who may not write to it cannot fill it.
    [[ -s $name && -n "$(<"$name")" ]] || chmod 644 "$name"
done
