#!/bin/sh
# Runs a program on two hosts that are network namespaces of this machine, one process on each, joined by a link of a rate.
# Shared memory is no way between them. Needs root, iproute2 and Open MPI.
#   usage: sh two_hosts.sh RATE PROGRAM [ARGUMENT]...        RATE: as tc takes it, 1gbit; none: as fast as it goes
# HOST_A_DOWN_AFTER=SECONDS takes the link down then.
set -eu
rate=$1
shift
work=$(mktemp -d)
names="gradus_a gradus_b"
clean() {
  for name in $names; do
    ip netns pids "$name" 2>/dev/null | xargs -r kill -9 2>/dev/null || true
    ip netns delete "$name" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap clean EXIT INT TERM
for name in $names; do ip netns add "$name"; done
ip link add link_a netns gradus_a type veth peer name link_b netns gradus_b
number=1
for name in $names; do
  link=link_${name#gradus_}
  ip -n "$name" address add 10.77.0.$number/24 dev "$link"
  ip -n "$name" link set "$link" up
  ip -n "$name" link set lo up
  if [ "$rate" != none ]; then
    # The queue takes what TCP sends ahead: 10 ms of the link.
    tc -n "$name" qdisc add dev "$link" root tbf rate "$rate" burst 256kb latency 10ms
  fi
  number=$((number + 1))
done

# What mpirun starts its daemon on the other host with: it is given the host's address and a command. Each host has a name of
# its own, or Open MPI would take them for one.
cat >"$work/agent" <<'END'
#!/bin/sh
shift
exec ip netns exec gradus_b unshare --uts sh -c "hostname host-b && $*"
END
chmod +x "$work/agent"
if [ -n "${HOST_A_DOWN_AFTER:-}" ]; then
  (sleep "$HOST_A_DOWN_AFTER" && ip -n gradus_a link set link_a down) &
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
cat >"$work/run" <<'END'
hostname host-a
agent=$1
shift
exec mpirun -n 2 -H 10.77.0.1:1,10.77.0.2:1 --mca plm_rsh_agent "$agent" --mca btl self,tcp --mca btl_tcp_if_include 10.77.0.0/24 \
  --mca oob_tcp_if_include 10.77.0.0/24 --bind-to none "$@"
END
status=0
ip netns exec gradus_a unshare --uts sh "$work/run" "$work/agent" "$@" || status=$?
exit $status
