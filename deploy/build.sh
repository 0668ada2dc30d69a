#!/bin/sh
# Builds the image with the first of docker, podman and buildah that is here (BUILDER=... chooses), and says its size.
#   deploy/build.sh [TAG]              e.g. deploy/build.sh registry.example.com/callsheet:0.1.0
#   BASE=python:3.13-slim@sha256:...   another base, or the same one pinned
#   BUILD_OPTIONS="..."                further options for the builder, e.g. a certificate folder or its storage
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
tag=${1:-callsheet:$version}
for builder in ${BUILDER:-docker podman buildah}; do
  command -v "$builder" >/dev/null 2>&1 && break
  builder=
done
if [ -z "$builder" ]; then
  echo "None of ${BUILDER:-docker, podman and buildah} is installed. Install one of them, or name yours: BUILDER=..." >&2
  exit 1
fi

set -- --file deploy/Dockerfile --tag "$tag" --build-arg "VERSION=$version" --build-arg "REVISION=$revision"
if [ -n "${BASE:-}" ]; then set -- "$@" --build-arg "BASE=$BASE"; fi
case $builder in
*buildah) set -- bud --format docker "$@" ;; # the OCI format has no HEALTHCHECK
*) set -- build "$@" ;;
esac
# shellcheck disable=SC2086
"$builder" "$@" ${BUILD_OPTIONS:-} .
echo "Built $tag with $builder."
