/** Faults that come back however often one asks: there is no room, it is not allowed, or what was asked for is wrong. */
const permanent = [
  /No valid host/i,
  /quota|LimitExceeded|Maximum number of \w+ (allowed|exceeded)/i,
  /No more IP addresses|No fixed IP addresses|NoMoreFixedIps|NoMoreNetworks|IpAddressGenerationFailure/i,
  /Fixed IP .* (is not a valid|is already in use)/i,
  /\bimage\b.*(not active|corrupt|not be found|size)|ImageNotFound|ImageNotActive|InvalidImage/i,
  /unacceptable|\binvalid\b|not supported|does not support|too (small|large|high)/i,
  /signature|certificate|encryption/i,
  /not authorized|policy does|disallowed by policy|Forbidden/i,
];

/**
 * Faults of the cloud's inside that pass, or that another host does not have. The words are those of Nova's
 * exceptions (nova/exception.py, nova/compute/manager.py) and of the libraries whose errors it passes on by
 * their class (oslo.messaging, oslo.db, keystoneauth, libvirt).
 */
const passing = [
  /Build of instance \S+ (aborted|was re-scheduled)/i,
  /Exceeded maximum number of retries|Exhausted all hosts/i,
  /time[sd]?[ -]?out/i,
  /MessageDeliveryFailure|MessageUndeliverable|AMQP|RabbitMQ|RemoteError|RPC/i,
  /DBDeadlock|DBConnectionError|Lost connection to MySQL/i,
  /connection (was )?(refused|reset|aborted|closed)|Connect(ion)?(Failure|Error)|Unable to establish connection|Failed to establish a new connection/i,
  /Service ?Unavailable|Bad ?Gateway|Unexpected API Error|InternalServerError/i,
  /libvirt|qemu|hypervisor|ProcessExecutionError|internal error/i,
  /Virtual Interface creation failed|VirtualInterfaceCreate|Failed to allocate the network/i,
  /did not finish being created|Failed to (attach|connect) .*volume|Failure prepping block device/i,
  /Compute (host|service) .* (not be found|is unavailable|down)|ComputeHostNotFound|Insufficient compute resources/i,
];

/**
 * Whether a build that ended in `ERROR` is worth another try: the fault is one of those that pass, and says of
 * nothing that would be there the next time too. A fault that nobody knows is not.
 */
export function isPassingFault(fault: string): boolean {
  return !permanent.some((pattern) => pattern.test(fault)) && passing.some((pattern) => pattern.test(fault));
}
