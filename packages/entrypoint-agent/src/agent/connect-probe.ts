import { request } from "node:https";
import { connect } from "node:net";
import { answersGreeting, tlsGreeting } from "@multicloud/core/plugin";
import type { Probe } from "./prober.js";
import type { ProbeSettings } from "./settings.js";

/** Asks over the network, each time on a new connection. */
export function connectProbe(settings: ProbeSettings): Probe {
  const { port = 443 } = settings;
  if (settings.kind === "tcp") return (address, signal) => tcpOpens(address, port, signal);
  if (settings.kind === "tls") {
    const greeting = tlsGreeting(settings.host);
    return async (address, signal) => tlsAnswers({ address, port, greeting: await greeting }, signal);
  }
  const { host, path = "/" } = settings;
  return (address, signal) => httpsAnswers({ address, port, host, path }, signal);
}

function tcpOpens(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal });
    socket.once("connect", () => {
      resolve(true);
      socket.destroy();
    });
    socket.once("error", () => resolve(false));
  });
}

function tlsAnswers(
  target: { readonly address: string; readonly port: number; readonly greeting: Buffer },
  signal: AbortSignal,
): Promise<boolean> {
  return answersGreeting(connect({ host: target.address, port: target.port }), target.greeting, signal);
}

function httpsAnswers(
  target: { readonly address: string; readonly port: number; readonly host: string; readonly path: string },
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request(
      {
        host: target.address,
        port: target.port,
        path: target.path,
        method: "GET",
        servername: target.host,
        headers: { host: target.host, "user-agent": "multicloud-entrypoint-agent" },
        // Whether it answers is asked here, not who it is: a certificate that expired is no reason to leave.
        rejectUnauthorized: false,
        agent: false,
        signal,
      },
      (response) => {
        resolve((response.statusCode ?? 500) < 500);
        response.destroy();
      },
    );
    sent.once("error", () => resolve(false));
    sent.end();
  });
}
