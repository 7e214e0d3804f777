#!/usr/bin/env bash
# Builds a kube-apiserver out of Debian's source package, with Debian's Go, and unpacks Debian's etcd beside it: the real API
# server that no registry has as a binary. It installs nothing and writes to FOLDER alone (3 GB, of which bin/ is what counts);
# what is there already is used again. Some ten minutes on one core.
#   scripts/build-apiserver.sh FOLDER    leaves kube-apiserver and etcd in FOLDER/bin
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
suite=bookworm
go=1.19
mirror=http://deb.debian.org/debian
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# An apt of its own: the machine's may know no sources, or another release.
mkdir -p "$folder"/{apt/lists/partial,apt/cache/archives/partial,packages,root,bin,tmp}
for type in deb deb-src; do echo "$type [signed-by=$keyring] $mirror $suite main"; done >"$folder/apt/sources.list"
cat >"$folder/apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$folder/apt/lists";
Dir::Cache "$folder/apt/cache";
APT::Sandbox::User "";
CONF
export APT_CONFIG=$folder/apt/apt.conf
cd "$folder/packages"
apt-get update -qq
apt-get source -qq --download-only kubernetes
apt-get download -qq "golang-$go-go" "golang-$go-src" etcd-server
for package in *.deb; do dpkg -x "$package" "$folder/root"; done
cp "$folder/root/usr/bin/etcd" "$folder/bin/"

# As dpkg-source would, but that is in a package of its own.
source=$folder/gopath/src/k8s.io/kubernetes
if [ ! -d "$source" ]; then
  mkdir -p "$source.part"
  tar -C "$source.part" --strip-components=1 -xf kubernetes_*.orig.tar.gz
  tar -C "$source.part" -xf kubernetes_*.debian.tar.xz
  while read -r patch; do
    patch --directory="$source.part" --strip=1 --silent <"$source.part/debian/patches/$patch"
  done <"$source.part/debian/patches/series"
  mv "$source.part" "$source"
fi

export GO111MODULE=off GOPATH=$folder/gopath GOROOT=$folder/root/usr/lib/go-$go GOCACHE=$folder/cache GOTMPDIR=$folder/tmp
export CGO_ENABLED=0 PATH=$folder/root/usr/lib/go-$go/bin:$PATH
cd "$source"
# All that is generated stands in the package, but for this.
generated=pkg/generated/openapi/zz_generated.openapi.go
if [ ! -f "$generated" ]; then
  go build -o "$folder/bin/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  # `*/`: vendor/k8s.io holds links, which find does not follow by itself.
  types=$(find pkg cmd vendor/k8s.io/*/ -name '*.go' -not -path '*/code-generator/*' -not -path '*/sample-apiserver/*' -print0 |
    xargs -0 grep -l '^// *+k8s:openapi-gen=' | xargs -n1 dirname | LC_ALL=C sort -u | sed 's#^#k8s.io/kubernetes/#' | paste -sd,)
  "$folder/bin/openapi-gen" --logtostderr -i "$types" -p "k8s.io/kubernetes/${generated%/*}" -O zz_generated.openapi \
    -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$folder/violations" --output-base "$GOPATH/src"
fi
go build -trimpath -ldflags "-s -w -X k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=v1.20.2" \
  -o "$folder/bin/kube-apiserver" ./cmd/kube-apiserver
"$folder/bin/kube-apiserver" --version
