import type { Duplex } from "node:stream";
import type { ContainerProgram } from "../docker/container.js";

/** Accepts connections on ports of the machine and says nothing on them. */
export function listenOn(...ports: readonly number[]): ContainerProgram {
  return ({ machine }) => {
    const open = new Set<Duplex>();
    const closers = ports.map((port) =>
      machine.listen(port, (stream) => {
        open.add(stream);
        stream.on("error", () => {});
        stream.on("close", () => open.delete(stream));
        stream.on("end", () => stream.end());
        stream.resume();
      }),
    );
    return {
      end() {
        for (const close of closers) close();
        for (const stream of open) stream.destroy();
      },
    };
  };
}

/** Dials the `host:port`s of its environment variable `TARGETS` and prints those that do not answer. */
export const portChecker: ContainerProgram = async ({ machine, spec }) => {
  const targets = (spec.environment.TARGETS ?? "").split(",").filter(Boolean);
  const closed = await Promise.all(
    targets.map(async (target) => {
      const at = target.lastIndexOf(":");
      const reached = await canDial(machine, target.slice(0, at), Number(target.slice(at + 1)));
      return reached ? undefined : target;
    }),
  );
  const failed = closed.filter((target) => target !== undefined);
  return { exitCode: failed.length === 0 ? 0 : 1, logs: failed.join("\n") };
};

/** Whether something answers at an address, seen from a machine. */
export async function canDial(
  machine: Parameters<ContainerProgram>[0]["machine"],
  host: string,
  port: number,
): Promise<boolean> {
  try {
    const stream = await machine.dial({ host, port });
    stream.on("error", () => {});
    stream.destroy();
    return true;
  } catch {
    return false;
  }
}
