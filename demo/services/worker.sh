# A worker that never lets go of what it has handled: once it has work, it keeps a mebibyte of each
# of 28 jobs. /tmp/break survives a restart, so a restart alone does not help.
trap 'exit 0' TERM
until [ -e /tmp/break ]; do sleep 0.3; done
job=$(head -c 1048576 /dev/zero | tr '\0' x)
handled=0
while [ "$handled" -lt 28 ]; do
  eval "kept_$handled=\$job"
  handled=$((handled + 1))
  sleep 0.15
done
while :; do sleep 0.3; done
