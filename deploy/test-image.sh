#!/bin/sh
# Builds the image without a daemon, mounts it, and runs tests/image in it with a read-only root. Debian or Ubuntu, as
# root, with buildah and debootstrap; everything is kept in .image/ beside the project, about 2 GB, until `make clean`.
#   deploy/test-image.sh [pytest options]
#   BASE=...           a base that is to be had here, in the place of one made from Debian's packages
#   STORAGE_DRIVER=vfs where the kernel has no overlay file system
#   BUILD_OPTIONS=...  further options for the builder, e.g. a certificate folder: -v /etc/ssl/certs:/etc/ssl/certs:ro
set -eu
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ]; then echo "This mounts file systems: run it as root." >&2; exit 1; fi
for program in buildah debootstrap unshare; do
  command -v "$program" >/dev/null 2>&1 && continue
  echo "$program is missing. Debian, Ubuntu: apt-get install buildah debootstrap util-linux" >&2
  exit 1
done

mkdir -p .image
here=$(cd .image && pwd -P)
cat >"$here/storage.conf" <<END
[storage]
driver = "${STORAGE_DRIVER:-overlay}"
graphroot = "$here/storage"
runroot = "$here/run"
END
export CONTAINERS_STORAGE_CONF="$here/storage.conf"

if [ -z "${BASE:-}" ]; then
  BASE=localhost/callsheet-base:bookworm
  if ! buildah inspect --type image "$BASE" >/dev/null 2>&1; then
    echo "Making $BASE from Debian's packages ..."
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$here/base" >"$here/base.log"
    scratch=$(buildah from scratch)
    buildah copy --quiet "$scratch" "$here/base" / >/dev/null
    buildah commit --quiet "$scratch" "$BASE" >/dev/null
    buildah rm "$scratch" >/dev/null
    rm -rf "$here/base"
  fi
fi

BASE=$BASE BUILDER=buildah BUILD_OPTIONS="--isolation chroot --pull-never ${BUILD_OPTIONS:-}" \
  deploy/build.sh localhost/callsheet:test >"$here/build.log" 2>&1 || { tail -n 30 "$here/build.log" >&2; exit 1; }
buildah inspect --type image localhost/callsheet:test >"$here/image.json"
container=$(buildah from --pull-never localhost/callsheet:test)
trap 'buildah umount "$container" >/dev/null; buildah rm "$container" >/dev/null' EXIT
IMAGE_ROOT=$(buildah mount "$container")
export IMAGE_ROOT IMAGE_JSON="$here/image.json"
.venv/bin/python -m pytest tests/image -m image -n 0 -s "$@"
