#!/usr/bin/env bash
# Debian's packages in the images against Debian's security archive of this minute: a pending update fails.
#   scripts/scan-images.sh [tag]    of the images with this tag (`local`, as `make images` leaves them)
set -euo pipefail
tag=${1:-local}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# What of the packages in `$work/root/status` the security archive has newer. A Debian container asks, since the small images have
# neither apt nor shell. It knows that archive alone: a point release may hold the same fix under a later version, which would
# then be listed as no security update. `apt list` only compares versions; an upgrade would leave out what needs a new package.
compare() { # codename
  docker run --rm -e "CODENAME=$1" -v "$work/root/status:/var/lib/dpkg/status:ro" debian:bookworm-slim sh -euc '
    sources=/etc/apt/sources.list.d/debian.sources
    mkdir /tmp/parts
    awk -v RS= -v ORS="\n\n" "/-security/" "$sources" | sed "s/^Suites:.*/Suites: $CODENAME-security/" >/tmp/parts/security.sources
    apt="-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=/tmp/parts"
    apt-get $apt -qq update >&2
    echo "offered $(apt-cache $apt pkgnames | wc -l)"
    apt $apt list --upgradable 2>/dev/null | sed -n "s/^\([^/]*\)[^ ]* \([^ ]*\) .*upgradable from: \(.*\)]/pending \1 \3 -> \2/p"'
}

# The package list of an image as dpkg keeps it: Debian's in one file, distroless' in one for each package.
packages() { # image
  local container part root=$work/root
  rm -rf "$root"
  mkdir "$root"
  container=$(docker create "$1")
  for part in var/lib/dpkg/status var/lib/dpkg/status.d usr/lib/os-release; do
    docker cp "$container:/$part" "$root/" >/dev/null 2>&1 || true
  done
  docker rm "$container" >/dev/null
  if [ -d "$root/status.d" ]; then
    for part in "$root"/status.d/*; do
      case $part in *.md5sums) ;; *) sed -e '/^Status:/d' -e '/^Package:/a Status: install ok installed' "$part"; echo ;; esac
    done >"$root/status"
  fi
  touch "$root/status" "$root/os-release"
}

for name in wormhole-server wormhole-bridge wormhole-oai wormhole-playground; do
  image=${WORMHOLE_REGISTRY:-}$name:$tag
  packages "$image"
  installed=$(grep -c '^Package:' "$work/root/status" || true)
  codename=$(sed -n 's/^VERSION_CODENAME=//p' "$work/root/os-release")
  if [ "$installed" = 0 ] || [ -z "$codename" ]; then
    echo "scan-images: $name: there is no package list in it"
    failures=$((failures + 1))
    continue
  fi
  compare "$codename" >"$work/found"
  offered=$(sed -n 's/^offered //p' "$work/found")
  pending=$(grep -c '^pending ' "$work/found" || true)
  echo "scan-images: $name: $installed packages of $codename, $pending pending security updates"
  sed -n 's/^pending /    /p' "$work/found"
  # An archive that offers next to nothing was not read.
  [ "$offered" -ge 100 ] || { echo "scan-images: the security archive offers only $offered packages"; exit 1; }
  [ "$pending" = 0 ] || failures=$((failures + 1))
done
[ $failures = 0 ] || { echo "scan-images: build anew with PACKAGES_AS_OF=$(date +%F)"; exit 1; }
