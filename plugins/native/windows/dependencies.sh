#!/usr/bin/env bash
# dependencies.sh FOLDER: what the native client for Windows is built with, in FOLDER/include and FOLDER/lib: libzmq as a
# static library, from the source of Debian's package with mingw-w64, and the headers of msgpack-cxx and nlohmann-json.
# Ends with 3 where the source cannot be had; a folder that is complete is left as it is.
set -euo pipefail
version=4.3.4
sha256=0ff5a531c9ffaf0dfdc7dc78d13d1383088f454896d252934c429b2554d10559
folder=$(mkdir -p "$1" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
[ -f "$folder/lib/libzmq.a" ] && exit 0

for header in msgpack.hpp nlohmann/json.hpp; do
    [ -f "/usr/include/$header" ] || { echo "dependencies.sh: apt-get install libmsgpack-cxx-dev nlohmann-json3-dev" >&2; exit 3; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mirror=$(apt-get indextargets 'Created-By: Packages' --format '$(REPO_URI)' 2>/dev/null | grep '/debian/$' | sort -u | head -1) || true
archive=zeromq3_$version.orig.tar.gz
/usr/lib/apt/apt-helper -qq download-file "${mirror:-http://deb.debian.org/debian/}pool/main/z/zeromq3/$archive" \
    "$work/$archive" "SHA256:$sha256" 2> "$work/log" ||
    { echo "dependencies.sh: no $archive from ${mirror:-deb.debian.org}: $(head -1 "$work/log")" >&2; exit 3; }
mkdir "$work/source" && tar xzf "$work/$archive" -C "$work/source" --strip-components=1

# `select` watches the two or three sockets of a client as fast as anything, on every Windows; sockets of the Unix kind
# have no header in mingw-w64. Many sources at a time take a third of the seconds.
cmake -S "$work/source" -B "$work/build" -G Ninja --toolchain "$here/toolchain.cmake" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_FLAGS_RELEASE=-O1 -DCMAKE_INSTALL_PREFIX="$folder" -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16 \
    -DPOLLER=select -DZMQ_HAVE_IPC=OFF -DBUILD_SHARED=OFF -DBUILD_STATIC=ON -DBUILD_TESTS=OFF -DWITH_DOCS=OFF \
    -DENABLE_CPACK=OFF -DENABLE_CURVE=OFF -DWITH_LIBSODIUM=OFF -DENABLE_DRAFTS=OFF -DENABLE_PRECOMPILED=OFF > "$work/log" 2>&1 &&
    cmake --build "$work/build" >> "$work/log" 2>&1 || { tail -40 "$work/log" >&2; exit 1; }
mkdir -p "$folder/include" "$folder/lib"
cp "$work"/source/include/zmq.h "$folder/include"
cp -r /usr/include/msgpack.hpp /usr/include/msgpack /usr/include/nlohmann "$folder/include"
mv "$work"/build/lib/libzmq*.a "$folder/lib/libzmq.a"  # last: a folder with it is complete
