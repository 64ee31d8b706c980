/** Pause between two looks on the node, in seconds: an authorised node is on the network within 0.05 s. */
const pause = 0.2;
const perSecond = 1 / pause;

/**
 * POSIX shell that runs on the node as root. It waits for the daemon, joins the network if the daemon is not
 * on it, and then looks until the node has its address on the interface, for at most `waitSeconds`. It prints
 * three parts, `== info`, `== networks` and `== address`, whatever came out, and exits 0.
 *
 * The address is looked for on the interface and not only in `listnetworks`: after `allowManaged` was turned
 * off and on within a second, ZeroTier reports an address that the interface does not have, for good. Off,
 * a pause and on again repairs that, which is tried once.
 *
 * Time is counted in pauses, so that no clock is needed.
 */
export function lookScript(networkId: string, waitSeconds: number, daemonSeconds: number): string {
  return `sh -c '${script}' look ${networkId} ${Math.round(waitSeconds * perSecond)} ${Math.round(daemonSeconds * perSecond)}`;
}

// No single quote may appear in here.
const script = `
network=$1; looks=$2; starts=$3
count=0
until info=$(zerotier-cli -j info 2>&1); do
  count=$((count + 1))
  if [ "$count" -gt "$starts" ]; then echo "== no daemon"; printf "%s\\n" "$info"; exit 0; fi
  sleep ${pause}
done
count=0; absent=0; refused=0; device=
while :; do
  line=$(zerotier-cli listnetworks 2>/dev/null | grep "^200 listnetworks $network ")
  if [ -z "$line" ]; then
    zerotier-cli join "$network" >/dev/null 2>&1
    status=JOINING
  else
    addresses=\${line##* }; rest=\${line% *}
    device=\${rest##* }; rest=\${rest% *}; rest=\${rest% *}
    status=\${rest##* }
  fi
  case $status in
  OK)
    present=$(ip -o addr show dev "$device" 2>/dev/null)
    wanted=0; found=0
    for address in $(echo "$addresses" | tr "," " "); do
      case $address in *.*) wanted=1; case $present in *" inet \${address%/*}/"*) found=1;; esac;; esac
    done
    if [ "$found" = 1 ]; then break; fi
    if [ "$wanted" = 1 ]; then
      absent=$((absent + 1))
      if [ "$absent" = ${5 * perSecond} ]; then
        zerotier-cli set "$network" allowManaged=0 >/dev/null 2>&1
        sleep 2
        zerotier-cli set "$network" allowManaged=1 >/dev/null 2>&1
      fi
    fi
    ;;
  AUTHENTICATION_REQUIRED|CLIENT_TOO_OLD) break ;;
  NOT_FOUND|PORT_ERROR)
    refused=$((refused + 1))
    if [ "$refused" -ge ${15 * perSecond} ]; then break; fi
    ;;
  esac
  count=$((count + 1))
  if [ "$count" -gt "$looks" ]; then break; fi
  sleep ${pause}
done
echo "== info"; printf "%s\\n" "$info"
echo "== networks"; zerotier-cli -j listnetworks
echo "== address"
if [ -n "$device" ]; then ip -o addr show dev "$device" 2>/dev/null; fi
exit 0
`;
