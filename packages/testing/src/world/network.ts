import type { Duplex } from "node:stream";

/** Where somebody dials from: the internet at large, or inside the local network of a site. */
export interface Place {
  /** Name of the local network; `undefined` is the internet. */
  readonly lan?: string;
  /** Id of the dialling machine, which gives it its overlay networks; `undefined` is the operator. */
  readonly machine?: string;
}

/** Where a listener is reachable. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** Reachable from this local network only, or (overlay) from members only; `undefined` is the internet. */
  readonly lan?: string;
  readonly overlay?: string;
}

/** A connection that arrives at a listener. */
export interface IncomingConnection {
  readonly stream: Duplex;
  readonly from: Place;
  readonly localAddress: string;
}

/**
 * The wires between the emulated machines: local networks behind NAT, public addresses, overlay networks.
 * A dial fails the way a real one does: `ECONNREFUSED` when the host is up without a listener,
 * `EHOSTUNREACH` for an address of another local network or of a member's overlay seen from outside,
 * `ETIMEDOUT` (after the dialler's patience) for a machine or a site without power.
 */
export interface Network {
  /** A local network. With `natAddress` its hosts reach the internet from there, and nothing comes in but forwarded ports. */
  addLan(lan: { readonly name: string; readonly natAddress?: string }): void;
  /** The router of a local network passes a port of its public address on. */
  forwardPort(rule: {
    readonly lan: string;
    readonly port: number;
    readonly to: { readonly host: string; readonly port: number };
  }): void;
  /** An address that exists, so that ports without a listener refuse. Returns a function that removes it. */
  addHost(address: Omit<ListenAddress, "port"> & { readonly machine: string }): () => void;
  /** Returns a function that stops listening. Existing connections go on. */
  listen(address: ListenAddress, accept: (connection: IncomingConnection) => void): () => void;
  dial(
    from: Place,
    target: { readonly host: string; readonly port: number },
    signal?: AbortSignal,
  ): Promise<Duplex>;
  /** Which overlays a machine is on. */
  joinOverlay(machine: string, overlay: string): void;
  leaveOverlay(machine: string, overlay: string): void;
  /** Cuts the power of a local network: its hosts vanish, open connections hang and then break. */
  setPower(lan: string, on: boolean): void;
  /** The same for one machine, by the id that its addresses carry. */
  setMachinePower(machine: string, on: boolean): void;
  /** Tells when a machine loses its power, its own or its local network's, and when it has it back. Returns a function that ends it. */
  onPower(machine: string, listener: (on: boolean) => void): () => void;
  /** Breaks all connections. */
  close(): void;
}
