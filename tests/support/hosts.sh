#!/usr/bin/env bash
# Several hosts on one machine: runs a command under Open MPI over TCP between network namespaces.
#
#   hosts.sh [--hosts N] [--ranks-per-host K] [--mbit RATE] [--loss PERCENT] [--mpi "OPTIONS"] -- COMMAND...
#   hosts.sh --of PID link down|up HOST      take a host's link down or up while the command of that hosts.sh runs
#   hosts.sh --of PID mbit RATE              shape all links anew; 0: as fast as they are
#   hosts.sh --of PID loss PERCENT           lose that share of the packets on all links
#   hosts.sh --of PID kill HOST              SIGKILL for all processes of a host
#   hosts.sh --of PID pids HOST              print the processes of a host
#
#   --hosts N           1 to 4 (2), joined by one switch; they are called host1, host2, ...
#   --ranks-per-host K  ranks of one host share memory and are one node to MPI (1)
#   --mbit RATE         bandwidth of each host's link, both ways, in Mbit/s (not shaped)
#   --loss PERCENT      packets lost on the way into each host; needs nftables (0)
#   --mpi "OPTIONS"     more options for mpirun
#
# The exit code is that of mpirun; 77 and one line if this user or kernel cannot make network namespaces. Host 0 is
# the switch, where mpirun runs. All that was made is removed at the end, whatever ends it; the next call removes what
# a killed one has left. Needs iproute2, util-linux and, for --loss, nftables.
set -euo pipefail

readonly skipped=77
readonly prefix=hpml-hosts

fail() {
    printf 'hosts: error: %s\n' "$*" >&2
    exit 64
}

not_run() {
    printf 'NOT RUN: hosts on one machine: %s\n' "$*"
    exit "$skipped"
}

namespace_of() { printf '%s-%s-%s\n' "$prefix" "$rig" "$1"; }
inside() {
    local host="$1"
    shift
    ip netns exec "$(namespace_of "$host")" "$@"
}

# Each link is shaped at both ends, as a real one is. The burst is small, or short messages would see no limit at all;
# the queue is long, so that nothing is lost to it.
shape() {
    local rate="$1" host
    for ((host = 1; host <= hosts; ++host)); do
        inside "$host" tc qdisc del dev eth0 root 2>/dev/null || true
        inside 0 tc qdisc del dev "port$host" root 2>/dev/null || true
        [[ "$rate" != 0 ]] || continue
        inside "$host" tc qdisc add dev eth0 root tbf rate "${rate}mbit" burst "$(burst "$rate")" latency 300ms
        inside 0 tc qdisc add dev "port$host" root tbf rate "${rate}mbit" burst "$(burst "$rate")" latency 300ms
    done
}

# In bytes: half a millisecond of the rate, but never less than one 64 KiB packet as the kernel segments them.
burst() {
    local bytes=$(($1 * 1000000 / 8 / 2000))
    printf '%s\n' $((bytes > 70000 ? bytes : 70000))
}

lose() {
    local percent="$1" host
    for ((host = 1; host <= hosts; ++host)); do
        inside "$host" nft delete table ip hpml 2>/dev/null || true
        [[ "$percent" != 0 ]] || continue
        inside "$host" nft -f - <<RULES
table ip hpml {
    chain arrive {
        type filter hook input priority 0;
        ip saddr 10.77.0.0/24 ip saddr != 10.77.0.$host numgen random mod 100 < $percent drop
    }
}
RULES
    done
}

# The processes of a host, or of a whole rig without a host.
pids_of() {
    local namespace
    for namespace in $(ip netns list | awk '{ print $1 }' | grep -xE "$prefix-$1-${2:-[0-9]+}" || true); do
        ip netns pids "$namespace" 2>/dev/null || true
    done
}

# Ends what runs in a rig's namespaces and removes them; twice does no harm.
dismantle() {
    local of="$1" namespace pids
    for _ in $(seq 50); do
        pids="$(pids_of "$of")"
        [[ -n "$pids" ]] || break
        # shellcheck disable=SC2086  # a list of numbers
        kill -KILL $pids 2>/dev/null || true
        sleep 0.1
    done
    for namespace in $(ip netns list | awk '{ print $1 }' | grep -E "^$prefix-$of-[0-9]+$" || true); do
        ip netns delete "$namespace" 2>/dev/null || true
    done
    rm -rf "${TMPDIR:-/tmp}/$prefix-$of".*
}

is_alive() { tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -qF "$(basename "$0")"; }

remove_leftovers() {
    local of
    for of in $(ip netns list | sed -nE "s/^$prefix-([0-9]+)-[0-9]+.*/\1/p" | sort -u); do
        is_alive "$of" || dismantle "$of"
    done
}

build_hosts() {
    local host
    ip netns add "$(namespace_of 0)" 2>/dev/null || not_run "this user or kernel cannot make network namespaces"
    inside 0 ip link set lo up
    inside 0 ip link add switch type bridge 2>/dev/null || not_run "this kernel has no network bridge"
    inside 0 ip addr add 10.77.0.254/24 dev switch
    inside 0 ip link set switch up
    for ((host = 1; host <= hosts; ++host)); do
        ip netns add "$(namespace_of "$host")"
        inside 0 ip link add "port$host" type veth peer name eth0 netns "$(namespace_of "$host")"
        inside 0 ip link set "port$host" master switch up
        inside "$host" ip link set lo up
        inside "$host" ip addr add "10.77.0.$host/24" dev eth0
        inside "$host" ip link set eth0 up
    done
}

# mpirun calls it where it would call ssh.
write_agent() {
    cat >"$folder/agent" <<AGENT
#!/bin/bash
host=\${1##*.}
shift
exec ip netns exec $prefix-$rig-\$host unshare --uts bash -c "hostname host\$host; exec \$*"
AGENT
    chmod 755 "$folder/agent"
}

launch() {
    local host names=""
    # shellcheck disable=SC2054  # the commas are mpirun's
    local -a mpirun=(mpirun --bind-to none --mca plm_rsh_agent "$folder/agent" --mca plm_rsh_no_tree_spawn 1
        --mca orte_tmpdir_base "$folder" --mca btl self,tcp --mca btl_tcp_if_include 10.77.0.0/24
        --mca oob_tcp_if_include 10.77.0.0/24 -np $((hosts * ranks_per_host)))
    for ((host = 1; host <= hosts; ++host)); do names+="${names:+,}10.77.0.$host:$ranks_per_host"; done
    # shellcheck disable=SC2206  # words
    mpirun+=(--host "$names" $mpi_options)
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    # The pdeathsig ends mpirun, and with it the ranks, even if this script is killed.
    ip netns exec "$(namespace_of 0)" setpriv --pdeathsig KILL "${mpirun[@]}" "$@" </dev/null &
    wait $!
}

be_told() {
    rig="$1"
    hosts="$(ip netns list | grep -cE "^$prefix-$rig-[1-9]" || true)"
    [[ "$hosts" -gt 0 ]] || fail "no hosts of process $rig are up"
    case "${2:-}" in
        link) inside "$4" ip link set eth0 "$3" ;;
        mbit) shape "$3" ;;
        loss) lose "$3" ;;
        kill)
            # shellcheck disable=SC2046  # a list of numbers
            kill -KILL $(pids_of "$rig" "$3")
            ;;
        pids) pids_of "$rig" "$3" ;;
        *) fail "unknown word '${2:-}'; known: link, mbit, loss, kill, pids" ;;
    esac
}

hosts=2
ranks_per_host=1
mbit=0
loss=0
mpi_options=""
while [[ $# -gt 0 && "$1" != -- ]]; do
    case "$1" in
        -h | --help)
            sed -n '2,21s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        --of)
            be_told "${@:2}"
            exit 0
            ;;
        --hosts) hosts="$2" ;;
        --ranks-per-host) ranks_per_host="$2" ;;
        --mbit) mbit="$2" ;;
        --loss) loss="$2" ;;
        --mpi) mpi_options="$2" ;;
        *) fail "unknown option $1; see --help" ;;
    esac
    shift 2
done
[[ "$hosts" =~ ^[1-4]$ ]] || fail "--hosts is 1 to 4"
[[ "$ranks_per_host$mbit$loss" =~ ^[0-9]+$ ]] || fail "--ranks-per-host, --mbit and --loss are whole numbers"
[[ $# -gt 1 ]] || fail "no command; see --help"
shift

[[ "$(id -u)" == 0 ]] || not_run "this needs root"
for tool in ip tc setpriv unshare mpirun; do
    command -v "$tool" >/dev/null || not_run "there is no $tool"
done
[[ "$loss" == 0 ]] || command -v nft >/dev/null || not_run "there is no nft (package nftables)"

rig=$$
remove_leftovers
trap 'dismantle "$rig"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
folder="$(mktemp -d "${TMPDIR:-/tmp}/$prefix-$rig.XXXXXX")"
build_hosts
[[ "$mbit" == 0 ]] || shape "$mbit"
[[ "$loss" == 0 ]] || lose "$loss"
write_agent
launch "$@"
