#!/usr/bin/env bash
# Makes .venv from a Python of this machine and installs the project in it (editable).
#
#   tools/setup.sh '.[delegates]'
#
# Needs Python 3.11 or newer with ssl, sqlite3 and venv. As root on Debian or Ubuntu a missing venv is installed; anybody else is
# told what to install. A .venv that is there and works is kept.
set -euo pipefail
cd "$(dirname "$0")/.."
requirement=$1
venv=.venv

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "setup: $1"
  shift
  for line in "$@"; do say "  $line"; done
  exit 1
}

is_usable() { # an interpreter that is new enough and complete
  "$1" -c 'import sys, ssl, sqlite3; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

candidates() { # the machine's own python3 first, then by version, then pyenv's and uv's
  command -v python3 python3.13 python3.12 python3.11 python3.14 python3.15 || true
  ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[1-9]*/bin/python3 2>/dev/null || true
  if command -v uv >/dev/null; then uv python find '>=3.11' 2>/dev/null || true; fi
}

find_python() {
  local python
  while read -r python; do
    if is_usable "$python"; then
      printf '%s\n' "$python"
      return 0
    fi
  done < <(candidates)
  return 1
}

can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install_venv_package() { # python3-venv for Debian's python3, python3.12-venv for a python3.12 beside it
  local version
  version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  say "setup: installing python$version-venv"
  apt-get update -qq >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "python$version-venv" >/dev/null
}

make_venv() {
  local python=$1
  if "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    "$python" -m venv --clear "$venv"
  elif can_apt; then
    install_venv_package "$python"
    "$python" -m venv --clear "$venv"
  elif command -v uv >/dev/null; then
    uv venv --quiet --clear --seed --python "$python" "$venv"
  elif "$python" -m virtualenv --version >/dev/null 2>&1; then
    "$python" -m virtualenv --quiet --clear "$venv"
  else
    fail "$python cannot make virtual environments (venv or ensurepip is missing)." \
      "Ask an administrator for: apt-get install python3-venv" \
      "or install uv or virtualenv for yourself, then run make again."
  fi
}

if ! { [ -x "$venv/bin/python" ] && is_usable "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1; }; then
  python=$(find_python) || fail "Ramuda needs Python 3.11 or newer; found: $(python3 --version 2>&1 || true)." \
    "Debian 12, Ubuntu 24.04 and newer have it:   apt-get install python3 python3-venv" \
    "Ubuntu 22.04:                                apt-get install python3.11 python3.11-venv" \
    "without being root:                          uv python install 3.12"
  say "setup: making $venv with $("$python" --version 2>&1) ($python)"
  make_venv "$python"
fi

say "setup: installing $requirement into $venv"
PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
  "$venv/bin/python" -m pip install --quiet --editable "$requirement"
