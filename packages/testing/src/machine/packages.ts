import type { MachineModule, Program, Unit, WebAnswer, WebRequest } from "../world/machines.js";
import type { Disk } from "./disk.js";
import { programMarker } from "./shell/programs.js";
import type { Units } from "./units.js";

/** A package as an archive offers it. */
export interface AvailablePackage {
  readonly name: string;
  readonly version: string;
  /** Part of the APT source that it needs; `undefined` is the distribution's own archive. */
  readonly origin?: string;
  readonly programs: readonly Program[];
  readonly units: readonly Unit[];
}

/** All that machines can install. Shared by all machines, and growing while modules are added. */
export interface Archive {
  find(name: string): AvailablePackage | undefined;
  add(module: MachineModule): void;
  /** Programs without a package: on every machine. */
  readonly everywhere: readonly Program[];
  program(name: string): Program | undefined;
  /** What a unit does whose file somebody else than a package brings. */
  unit(name: string): Unit | undefined;
  /** Asks the web; `undefined` for a host that nobody serves. */
  web(request: WebRequest): Promise<WebAnswer | undefined>;
}

export function createArchive(): Archive {
  const packages = new Map<string, AvailablePackage>();
  const everywhere: Program[] = [];
  const programs = new Map<string, Program>();
  const unpackagedUnits = new Map<string, Unit>();
  const webs: NonNullable<MachineModule["web"]>[] = [];
  return {
    everywhere,
    unit: (name) => unpackagedUnits.get(name),
    async web(request) {
      for (const web of webs) {
        const answer = await web(request);
        if (answer) return answer;
      }
      return undefined;
    },
    find: (name) => packages.get(name),
    program: (name) => programs.get(name),
    add(module) {
      for (const one of module.packages) {
        packages.set(one.name, {
          ...one,
          programs: (module.programs ?? []).filter((program) => program.package === one.name),
          units: (module.units ?? []).filter((unit) => unit.package === one.name),
        });
      }
      if (module.web) webs.push((request) => module.web!(request));
      for (const unit of module.units ?? []) if (unit.package === "") unpackagedUnits.set(unit.name, unit);
      for (const program of module.programs ?? []) {
        programs.set(program.name, program);
        if (program.package === undefined) everywhere.push(program);
      }
    },
  };
}

/** What APT and dpkg know on one machine. */
export type Packages = ReturnType<typeof createPackages>;

export function createPackages(disk: Disk, units: Units, archive: Archive) {
  const installed = new Map<string, string>();
  /** Text of the sources when the lists were fetched; `undefined` on an image that never fetched them. */
  let lists: string | undefined;

  const sources = () =>
    disk.find("/etc/apt/sources.list.d")?.type === "directory"
      ? disk.list("/etc/apt/sources.list.d").map((name) => ({
          name,
          text: Buffer.from(disk.read(`/etc/apt/sources.list.d/${name}`)).toString("utf8"),
        }))
      : [];

  /** What is wrong with the signature of a source, as APT says it. */
  function unsigned(text: string): string | undefined {
    for (const line of text.split("\n").filter((one) => /^\s*deb\s/.test(one))) {
      const url = /(https?:\/\/\S+)\s+(\S+)/.exec(line);
      const name = `'${url?.[1] ?? line.trim()} ${url?.[2] ?? ""} InRelease'`;
      const keyring = /signed-by=([^\]\s]+)/.exec(line)?.[1];
      if (/trusted=yes/.test(line)) continue;
      if (keyring !== undefined ? disk.find(keyring) : disk.find("/etc/apt/trusted.gpg.d")?.children.size)
        continue;
      return `E: The repository ${name} is not signed.\n`;
    }
    return undefined;
  }

  return {
    installed: installed as ReadonlyMap<string, string>,
    /** Puts a package of the image on the disk, without units being started. */
    preinstall(name: string, version: string): void {
      installed.set(name, version);
    },
    /** `apt-get update`. Returns what APT says on standard error when it fails. */
    update(): string | undefined {
      for (const { text } of sources()) {
        const problem = unsigned(text);
        if (problem) return problem;
      }
      lists = sources()
        .map(({ name, text }) => `${name}\n${text}`)
        .join("\n");
      return undefined;
    },
    /** Whether the fetched lists have a package. */
    isLocatable(name: string): boolean {
      const found = archive.find(name);
      if (!found || lists === undefined) return false;
      return found.origin === undefined || lists.includes(found.origin);
    },
    version: (name: string) => archive.find(name)?.version,
    /** Unpacks and configures: programs appear, units are enabled and started. */
    async install(name: string): Promise<boolean> {
      const found = archive.find(name);
      if (!found || installed.has(name)) return false;
      installed.set(name, found.version);
      for (const program of found.programs) placeProgram(disk, program.name);
      for (const unit of found.units) {
        units.add(unit);
        if (unit.startOnInstall === false) continue;
        units.setEnabled(unit.name, true);
        await units.start(unit.name);
      }
      return true;
    },
    async remove(name: string): Promise<boolean> {
      const found = archive.find(name);
      if (!installed.delete(name)) return false;
      for (const unit of found?.units ?? []) await units.remove(unit.name);
      for (const program of found?.programs ?? [])
        if (disk.find(`/usr/bin/${program.name}`)) disk.remove(`/usr/bin/${program.name}`);
      return true;
    },
  };
}

/** Makes a program of the sandbox callable. */
export function placeProgram(disk: Disk, name: string, folder = "/usr/bin"): void {
  disk.write(`${folder}/${name}`, Buffer.from(programMarker(name)), undefined, 0o755);
  disk.setMode(`${folder}/${name}`, 0o755);
}
