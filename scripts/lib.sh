# Shared by the scripts beside it; sourced, not run.

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf '\033[1;31m%s\033[0m\n' "$*" >&2; exit 1; }

# Runs as root, directly or through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else return 1; fi
}

have_postgres() {
    [ -n "${PG_BINDIR:-}" ] && [ -x "$PG_BINDIR/postgres" ] && return 0
    command -v postgres >/dev/null && command -v initdb >/dev/null && return 0
    for dir in /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
        [ -x "$dir/postgres" ] && return 0
    done
    return 1
}

# apt_install PACKAGE... : Debian and Ubuntu; elsewhere says what to install.
apt_install() {
    command -v apt-get >/dev/null || fail "Please install: $* (and run this again)"
    say "Installing $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null \
        || fail "apt-get update failed: run this as root, or install $* yourself"
    # The packages' own servers are not wanted; ours are private and started when needed.
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null \
        || fail "apt-get could not install $*"
}

need_postgres() {
    have_postgres && return 0
    if command -v brew >/dev/null; then brew install postgresql; else apt_install postgresql; fi
}

need_redis() {
    command -v redis-server >/dev/null && return 0
    if command -v brew >/dev/null; then brew install redis; else apt_install redis-server; fi
}

# For the gateway's page, which is tested in a real browser.
need_chromium() {
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" >/dev/null && return 0
    done
    if command -v brew >/dev/null; then brew install --cask chromium; else apt_install chromium; fi
}

need_haproxy() {
    command -v haproxy >/dev/null && return 0
    if command -v brew >/dev/null; then brew install haproxy; else apt_install haproxy; fi
}

need_nginx() {
    command -v nginx >/dev/null && return 0
    if command -v brew >/dev/null; then brew install nginx; else apt_install nginx-light; fi
}

need_rust() {
    command -v cargo >/dev/null || [ ! -r "$HOME/.cargo/env" ] || . "$HOME/.cargo/env"
    command -v cargo >/dev/null || fail "Rust is missing: install it from https://rustup.rs and run this again"
    command -v cc >/dev/null || apt_install build-essential
}
