# A real Slurm of one node, for the caller's life only. Sourced by the tests beside it.
#
# Everything is private: configuration, state, keys, sockets and ports lie in one folder, and /etc is neither read
# nor written. start_slurm FOLDER brings it up and exports SLURM_CONF; stop_slurm ends what start_slurm began.
# shellcheck shell=bash

slurm_folder=""

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    printf '%s\n' "$port"
}

start_munge() {
    local folder="$1"
    head -c 128 /dev/urandom >"$folder/munge.key"
    chmod 400 "$folder/munge.key"
    munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
        --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
}

write_slurm_conf() {
    local folder="$1" host="$2" cpus="$3"
    cat >"$folder/slurm.conf" <<CONF
ClusterName=hpmltest
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
CredType=cred/munge
# A requeued job waits until its old credential has expired: seconds here, two minutes by default.
AuthInfo=socket=$folder/munge.socket,cred_expire=5
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=pmix
ReturnToService=2
JobRequeue=1
# Slurm looks for startable jobs every second, not every minute.
SchedulerParameters=sched_interval=1,batch_sched_delay=1
KillWait=5
MessageTimeout=30
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=1000
PartitionName=all Nodes=ALL Default=YES MaxTime=60 State=UP
CONF
}

wait_for_node() {
    local attempt
    for ((attempt = 0; attempt < 400; attempt++)); do
        [[ "$(sinfo -h -o %t 2>/dev/null)" == idle ]] && return 0
        sleep 0.5
    done
    echo "the one-node Slurm did not become idle within 200 s" >&2
    tail -n 20 "$1"/*.log >&2
    return 1
}

start_slurm() {
    local folder="$1" host
    host="$(hostname -s)"
    slurm_folder="$folder"
    mkdir -p "$folder/state" "$folder/spool"
    # munged refuses a socket below a folder that others may write to.
    chmod 755 "$folder"
    # Two cores are offered whatever the machine has: the jobs of the tests use two ranks.
    write_slurm_conf "$folder" "$host" 2
    export SLURM_CONF="$folder/slurm.conf"
    start_munge "$folder"
    slurmctld -i
    slurmd -N "$host"
    wait_for_node "$folder"
}

# A daemon that ended may stay a zombie where process 1 of a container reaps nothing.
process_runs() { grep -q '^State:[[:space:]]*[^ZX]' "/proc/$1/status" 2>/dev/null; }

stop_daemon() {
    local file="$1" pid attempt
    [[ -s "$file" ]] || return 0
    pid="$(<"$file")"
    kill "$pid" 2>/dev/null || return 0
    for ((attempt = 0; attempt < 50; attempt++)); do
        process_runs "$pid" || return 0
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
}

stop_slurm() {
    local attempt
    [[ -n "$slurm_folder" ]] || return 0
    timeout -k 2 10 scancel --user="$(id -un)" 2>/dev/null || true
    for ((attempt = 0; attempt < 50; attempt++)); do
        [[ -n "$(timeout -k 2 10 squeue -h 2>/dev/null)" ]] || break
        sleep 0.2
    done
    stop_daemon "$slurm_folder/slurmd.pid"
    stop_daemon "$slurm_folder/slurmctld.pid"
    stop_daemon "$slurm_folder/munged.pid"
    slurm_folder=""
}
