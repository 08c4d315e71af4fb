#!/usr/bin/env bash
# fetch_godot.sh [FOLDER]: a Godot that draws on the CPU, without root: Debian's packages with their own libc and Mesa,
# unpacked. About 180 MB to load, 540 MB on disk. FOLDER/godot runs it. A folder that is complete is left as it is.
# Ends with 3 where the packages cannot be had (no apt, no network, the suite has lost them): nothing here is wrong then.
set -euo pipefail
version=4.6.3
suite=forky  # it moves on until it is released: the folder is what pins the engine
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/worldplate/engines/godot-$version}

if [ -x "$folder/godot" ]; then
    echo "$folder/godot"
    exit 0
fi
unavailable() { echo "fetch_godot.sh: $1" >&2; exit 3; }

mirror=$(apt-get indextargets 'Created-By: Packages' --format '$(REPO_URI)' 2>/dev/null | grep '/debian/$' | sort -u | head -1) || true
[ -n "$mirror" ] || unavailable "no Debian mirror is configured in apt, and Godot comes from one"

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
APT::Install-Recommends "false"; APT::Sandbox::User ""; Acquire::Languages "none"; Acquire::Retries "2";
CONF
apt-get -qq -c "$apt/apt.conf" -o APT::Update::Error-Mode=any update 2> "$work/log" ||
    unavailable "no lists of $suite from $mirror: $(head -1 "$work/log")"
apt-get -qq -y -c "$apt/apt.conf" install --download-only \
    godot mesa-vulkan-drivers libgl1-mesa-dri libgl1 libegl1 libvulkan1 libxkbcommon0 libzmq5 > /dev/null 2> "$work/log" ||
    unavailable "no packages of $suite from $mirror: $(head -1 "$work/log")"
for package in "$apt"/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$work/root"
done
rm -rf "$apt" "$work/log" "$work"/root/usr/share/{doc,man,locale,bash-completion,lintian}
find "$work/root/usr/lib" -name 'libvulkan_*.so' ! -name libvulkan_lvp.so -delete
find "$work/root/usr/share/vulkan/icd.d" -type f ! -name lvp_icd.json -delete

cat > "$work/godot" <<'RUN'
#!/usr/bin/env bash
# Godot with its own loader, libraries and drivers: the libc of this machine is too old for it.
root=$(dirname "$(readlink -f "$0")")/root
lib=$root/usr/lib/x86_64-linux-gnu
export VK_DRIVER_FILES=$root/usr/share/vulkan/icd.d/lvp_icd.json LIBGL_DRIVERS_PATH=$lib/dri GBM_BACKENDS_PATH=$lib/gbm
exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib:$lib/pulseaudio" "$root/usr/bin/godot" "$@"
RUN
chmod 755 "$work" "$work/godot"
got=$("$work/godot" --version)
case $got in
    "$version".*) ;;
    *) echo "fetch_godot.sh: $suite now has Godot $got, and the tests were written with $version: it is used as it is" >&2 ;;
esac
mv -T "$work" "$folder" 2>/dev/null || [ -x "$folder/godot" ]  # another run of this script may have been faster
echo "$folder/godot"
