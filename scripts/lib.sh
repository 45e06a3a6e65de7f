# Shell functions that the scripts share. Sourced, never run.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# The folder with initdb and postgres of one major, as Debian and Homebrew lay them out.
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

# How a person would install these packages on this machine.
install_command() { # PACKAGE...
  case "$(uname -s)" in
    Darwin) echo "brew install $*" ;;
    *)
      if command -v apt-get >/dev/null; then
        echo "sudo apt-get install -y $*"
      else
        echo "(your package manager's install command) $*"
      fi
      ;;
  esac
}
