#!/usr/bin/env bash
# fetch_wine.sh [FOLDER]: what the native client is built with for Windows and run with without one, and without root:
# Debian's mingw-w64 and Wine, unpacked, the client's libraries for Windows, and a Wine prefix. About 165 MB to load, 2 GB
# on disk. FOLDER/wine runs a program, FOLDER/compile a command that finds the compilers. A folder that is complete is left
# as it is. Ends with 3 where they cannot be had (no apt, no network, the suite has lost them): nothing here is wrong then.
set -euo pipefail
version=8.0-1  # of Wine, and of what this script makes of it
suite=bookworm
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/worldplate/engines/wine-$version}
here=$(cd "$(dirname "$0")" && pwd)

if [ -x "$folder/wine" ]; then
    echo "$folder/wine"
    exit 0
fi
unavailable() { echo "fetch_wine.sh: $1" >&2; exit 3; }

mirror=$(apt-get indextargets 'Created-By: Packages' --format '$(REPO_URI)' 2>/dev/null | grep '/debian/$' | sort -u | head -1) || true
[ -n "$mirror" ] || unavailable "no Debian mirror is configured in apt, and mingw-w64 and Wine come from one"
for tool in cmake ninja; do
    command -v "$tool" > /dev/null || unavailable "there is no $tool, which builds libzmq for Windows"
done

mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
apt=$work/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/none"
: > "$apt/status"
echo "deb $mirror $suite main" > "$apt/sources.list"
cat > "$apt/apt.conf" <<CONF
Dir::State "$apt"; Dir::State::status "$apt/status"; Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list"; Dir::Etc::sourceparts "$apt/none"; Dir::Etc::preferencesparts "$apt/none";
APT::Sandbox::User ""; Acquire::Languages "none"; Acquire::Retries "2";
CONF
apt-get -qq -c "$apt/apt.conf" -o APT::Update::Error-Mode=any update 2> "$work/log" ||
    unavailable "no lists of $suite from $mirror: $(head -1 "$work/log")"
(cd "$apt/cache" && apt-get -qq -c "$apt/apt.conf" download \
    binutils-mingw-w64-x86-64 gcc-mingw-w64-base gcc-mingw-w64-x86-64-posix gcc-mingw-w64-x86-64-posix-runtime \
    g++-mingw-w64-x86-64-posix mingw-w64-common mingw-w64-x86-64-dev wine64 libwine libz-mingw-w64 libunwind8 2> "$work/log") ||
    unavailable "no packages of $suite from $mirror: $(head -1 "$work/log")"
for package in "$apt"/cache/*.deb; do
    dpkg-deb -x "$package" "$work/root"
done
ln -sf wineserver64 "$work/root/usr/lib/wine/wineserver"  # a script that looks for it in /usr
zlib=$work/root/usr/x86_64-w64-mingw32/lib/zlib1.dll  # which Debian's Wine looks for in /usr too
cp "$zlib" "$work/root/usr/lib/x86_64-linux-gnu/wine/x86_64-windows"
rm -rf "$apt" "$work/log" "$work"/root/usr/share/doc "$work"/root/usr/lib/gcc/*/*/{adainclude,adalib,lto1,f951,gnat1}

cat > "$work/compile" <<'RUN'
#!/usr/bin/env bash
# Runs a command that finds mingw-w64's compilers.
root=$(dirname "$(readlink -f "$0")")/root
PATH=$root/usr/bin:$PATH exec "$@"
RUN
cat > "$work/wine" <<'RUN'
#!/usr/bin/env bash
# A Windows program, in this process, with a prefix of its own: no menus, no .NET, no web pages, no screen. `wine --end`
# ends what Wine leaves running between programs.
home=$(dirname "$(readlink -f "$0")")
unset DISPLAY WAYLAND_DISPLAY
export WINEPREFIX=$home/prefix WINEDEBUG=${WINEDEBUG:--all} WINEARCH=win64
export WINEDLLOVERRIDES="mscoree,mshtml,winemenubuilder.exe,winedbg.exe="
export LD_LIBRARY_PATH=$home/root/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
if [ "${1-}" = --end ]; then
    "$home/root/usr/lib/wine/wineserver" --kill || true  # there may be none
    exit
fi
exec "$home/root/usr/lib/wine/wine64" "$@"
RUN
chmod 755 "$work" "$work/compile" "$work/wine"
"$work/compile" "$here/../../plugins/native/windows/dependencies.sh" "$work/windows"
mkdir -p "$work/prefix/drive_c/windows/system32"
cp "$zlib" "$work/prefix/drive_c/windows/system32"
"$work/wine" wineboot --init > "$work/log" 2>&1 || { echo "fetch_wine.sh: no prefix: $(tail -1 "$work/log")" >&2; exit 1; }
"$work/wine" --end
rm "$work/log"
mv -T "$work" "$folder" 2>/dev/null || [ -x "$folder/wine" ]  # another run of this script may have been faster
echo "$folder/wine"
