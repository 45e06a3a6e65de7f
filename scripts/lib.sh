# Shell functions that the scripts share. Sourced, never run.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

system() { uname -s; }

# The repository's root; every script works from there, wherever it is called.
repository() { (cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd); }

# The folder with initdb and postgres of one major, as distributions and Homebrew lay them out.
system_postgres_bin() { # MAJOR
  local candidate
  for candidate in \
    "/usr/lib/postgresql/$1/bin" \
    "/usr/pgsql-$1/bin" \
    "/opt/homebrew/opt/postgresql@$1/bin" \
    "/usr/local/opt/postgresql@$1/bin"; do
    if [ -x "$candidate/initdb" ] && [ -x "$candidate/postgres" ]; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

# Whether this machine has the server binaries of any major that evmig supports.
has_postgres() {
  local major
  for major in 18 17 16 15 14; do
    system_postgres_bin "$major" >/dev/null && return 0
  done
  command -v initdb >/dev/null && command -v postgres >/dev/null
}

server_package() { # MAJOR
  case "$(system)" in
    Darwin) echo "postgresql@$1" ;;
    *) echo "postgresql-$1" ;;
  esac
}

# What is missing, collected first and installed in one go.
missing=()

# Adds a package unless the test succeeds. A dash stands for "part of the system there".
need() { # DEBIAN-PACKAGE BREW-PACKAGE TEST...
  local debian=$1 brew=$2
  shift 2
  if "$@" >/dev/null 2>&1; then return 0; fi
  case "$(system)" in
    Darwin) [ "$brew" = - ] || missing+=("$brew") ;;
    *) [ "$debian" = - ] || missing+=("$debian") ;;
  esac
}

need_program() { # PROGRAM DEBIAN-PACKAGE BREW-PACKAGE
  need "$2" "$3" command -v "$1"
}

# How a person would install these packages on this machine.
install_command() { # PACKAGE...
  case "$(system)" in
    Darwin) echo "brew install $*" ;;
    *)
      if command -v apt-get >/dev/null; then
        echo "sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
      else
        echo "your package manager's install command, for what Debian calls: $*"
      fi
      ;;
  esac
}

# Installs what `need` found missing, or says how and fails: a script never asks for a password.
install_missing() {
  [ ${#missing[@]} -gt 0 ] || return 0
  local as_root=()
  case "$(system)" in
    Darwin)
      # Homebrew refuses to run as root.
      if command -v brew >/dev/null && [ "$(id -u)" != 0 ]; then
        say "installing: ${missing[*]}"
        brew install "${missing[@]}" >&2 </dev/null
        missing=()
        return 0
      fi
      ;;
    *)
      if command -v apt-get >/dev/null; then
        if [ "$(id -u)" != 0 ]; then as_root=(sudo -n); fi
        if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
          say "installing: ${missing[*]}"
          # An index that cannot be refreshed may still do; if not, the install says so.
          ${as_root[@]+"${as_root[@]}"} apt-get update -qq >&2 </dev/null || true
          ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 </dev/null ||
            die "the packages could not be installed; try: $(install_command "${missing[@]}")"
          missing=()
          return 0
        fi
      fi
      ;;
  esac
  die "these packages are missing and may not be installed from here; run:
  $(install_command "${missing[@]}")"
}

# Rust itself, and what compiling evmig takes: a C compiler for linking, and OpenSSL's headers,
# found by pkg-config, for TLS (macOS brings its own TLS).
need_build_tools() {
  command -v cargo >/dev/null || die "Rust is missing; see https://rustup.rs"
  need_program cc gcc -
  if [ "$(system)" != Darwin ]; then
    # Without libc's headers a compiler alone does not get far.
    need libc6-dev - test -e /usr/include/stdlib.h
    need_program pkg-config pkg-config -
    need libssl-dev - pkg-config --exists openssl
  elif ! command -v cc >/dev/null; then
    die "the C compiler is missing; run: xcode-select --install"
  fi
}

# Where fetched tools and server binaries are kept between runs.
cache_directory() {
  if [ "$(id -u)" = 0 ]; then
    # The servers run as another user, who cannot look into root's home.
    echo /var/cache/evmig-test
  else
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/evmig-test"
  fi
}

# Builds a Rust program into a folder unless that version of it is there. Unoptimised: it runs for
# seconds, and building it would otherwise take longer than all that uses it.
cargo_tool() { # ROOT CRATE VERSION PROGRAM [CARGO-OPTION...]
  local root=$1 crate=$2 version=$3 program=$4
  shift 4
  if [ -x "$root/bin/$program" ] && [ "$(cat "$root/$crate.version" 2>/dev/null)" = "$version" ]; then
    return 0
  fi
  say "building $crate $version"
  # A build folder of its own: the caller's is in use by the build that runs beside this one.
  CARGO_TARGET_DIR="$root/build/$crate" CARGO_PROFILE_DEV_DEBUG=0 cargo install "$crate" --version "$version" --root "$root" \
    --locked --force --debug --quiet "$@" </dev/null || return 1
  rm -rf "$root/build/$crate"
  echo "$version" >"$root/$crate.version"
}
