import type { ClientChannel } from "ssh2";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createWorld, type RunningWorld } from "../../src/world/create-world.js";
import {
  bootAndConnect,
  type Connected,
  connect,
  dialWhenUp,
  keyPair,
  operator,
  spec,
  turns,
} from "./ssh-client.js";

let world: RunningWorld;

beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.close());

const effects = () =>
  world.effects.all.map(({ kind, action, name }) => `${kind} ${action} ${name.replace(/^node-1:/, "")}`);

describe("logging in", () => {
  it("takes the cloud's key for the image's user, and nothing else", async () => {
    const { machine, ssh } = await bootAndConnect(world);
    expect((await ssh.exec("id -un; sudo -n id -u")).stdout).toBe("debian\n0\n");
    const stranger = keyPair("somebody");
    for (const options of [
      { privateKey: stranger.private },
      { username: "root" },
      { username: "nobody" },
      { username: "" },
    ]) {
      await expect(connect(await dialWhenUp(world, machine), options)).rejects.toThrow(/authentication/i);
    }
    await expect(
      connect(await dialWhenUp(world, machine), { password: "x", privateKey: undefined as never }),
    ).rejects.toThrow(/authentication/i);
    ssh.close();
  });

  it("refuses keys in a file that others may write", async () => {
    const { machine, ssh } = await bootAndConnect(world);
    await ssh.exec("chmod 666 ~/.ssh/authorized_keys");
    await expect(connect(await dialWhenUp(world, machine))).rejects.toThrow(/authentication/i);
    ssh.close();
  });

  it("presents the host key that is on the disk, and a new one after a reload only", async () => {
    const { machine, ssh } = await bootAndConnect(world);
    const onDisk = () => machine.files.read("/etc/ssh/ssh_host_ed25519_key.pub")?.split(" ")[1];
    expect(ssh.hostKey).toBe(onDisk());
    const before = world.effects.all.length;
    const rotate =
      "sudo sh -c 'rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 -N \"\" -f /etc/ssh/ssh_host_ed25519_key'";
    expect(await ssh.exec(rotate)).toMatchObject({ code: 0 });
    expect(
      (await ssh.exec("sudo stat -c %a /etc/ssh/ssh_host_ed25519_key /etc/ssh/ssh_host_ed25519_key.pub"))
        .stdout,
    ).toBe("600\n644\n");
    const unaware = await connect(await dialWhenUp(world, machine));
    expect(unaware.hostKey).toBe(ssh.hostKey);
    expect(onDisk()).not.toBe(ssh.hostKey);
    expect(await ssh.exec("sudo systemctl reload ssh")).toMatchObject({ code: 0 });
    const aware = await connect(await dialWhenUp(world, machine));
    expect(aware.hostKey).toBe(onDisk());
    expect(effects().slice(before)).toContain("host-key update ssh");
    expect((await ssh.exec("echo still here")).stdout).toBe("still here\n");
    for (const one of [ssh, unaware, aware]) one.close();
  });

  it("allows ten sessions a connection", async () => {
    const { ssh } = await bootAndConnect(world);
    const channels = await Promise.all(
      Array.from(
        { length: 10 },
        () =>
          new Promise((resolve, reject) =>
            ssh.client.exec("cat", (error, channel) => (error ? reject(error) : resolve(channel))),
          ),
      ),
    );
    await expect(ssh.exec("true")).rejects.toThrow(/open failure/i);
    const [first] = channels as [ClientChannel];
    first.resume().end();
    await new Promise((resolve) => first.once("close", resolve));
    expect(await ssh.exec("true")).toMatchObject({ code: 0 });
    ssh.close();
  });
});

describe("running commands", () => {
  it("gives exit codes, both outputs, and standard input of any size", async () => {
    const { ssh } = await bootAndConnect(world);
    expect(await ssh.exec("echo out; echo err >&2; exit 7")).toEqual({
      stdout: "out\n",
      stderr: "err\n",
      code: 7,
      signal: undefined,
    });
    const big = Buffer.alloc(3_000_000, "x");
    expect((await ssh.exec("wc -c | tr -d ' '", big)).stdout).toBe("3000000\n");
    expect((await ssh.exec("cat", big)).stdout.length).toBe(3_000_000);
    ssh.close();
  });

  it("kills a command when its channel closes, and at a signal", async () => {
    const { machine, ssh } = await bootAndConnect(world);
    const killed = await new Promise((resolve) =>
      ssh.client.exec("while :; do sleep 1; done", (_error, channel) => {
        channel.on("exit", (_code: unknown, signal: string) => resolve(signal));
        channel.signal("TERM");
      }),
    );
    expect(killed).toBe("SIGTERM");
    await new Promise<void>((resolve) =>
      ssh.client.exec(
        "i=0; while :; do i=$((i + 1)); echo $i > /tmp/count; sleep 1; done",
        (_error, channel) => {
          channel.resume().on("close", () => resolve());
          const wait = () => (machine.files.exists("/tmp/count") ? channel.close() : setImmediate(wait));
          wait();
        },
      ),
    );
    await turns();
    const stopped = machine.files.read("/tmp/count");
    await turns();
    expect(machine.files.read("/tmp/count")).toBe(stopped);
    ssh.close();
  });
});

describe("rights", () => {
  it("keeps a user out of the system's files and lets sudo in", async () => {
    const { ssh } = await bootAndConnect(world);
    expect(await ssh.exec("echo x > /etc/x")).toMatchObject({ code: 2 });
    expect(await ssh.exec("cat /etc/shadow")).toMatchObject({ code: 1 });
    expect(await ssh.exec("rm /etc/passwd")).toMatchObject({ code: 1 });
    expect(
      await ssh.exec(
        "sudo -n sh -c 'echo x > /etc/x; chown debian:sudo /etc/x; chmod 640 /etc/x'; stat -c '%a %U:%G %n' /etc/x; ls -l /etc/x",
      ),
    ).toMatchObject({
      stdout: expect.stringMatching(/^640 debian:sudo \/etc\/x\n-rw-r----- 1 debian sudo /),
    });
    ssh.close();
  });

  it("asks for a password where no rule gives NOPASSWD", async () => {
    const { ssh } = await bootAndConnect(world);
    await ssh.exec(
      "sudo -n useradd -m -s /bin/bash bob; sudo -n install -d -o bob -g bob -m 700 /home/bob/.ssh; sudo -n tee /home/bob/.ssh/authorized_keys >/dev/null",
      operator.public,
    );
    const machine = world.machines.get("m1");
    const bob = await connect(await dialWhenUp(world, machine as never), { username: "bob" });
    expect(await bob.exec("sudo -n true")).toMatchObject({
      code: 1,
      stderr: "sudo: a password is required\n",
    });
    expect(await bob.exec("cat > ~/x && cat ~/x", "hi")).toMatchObject({ code: 0, stdout: "hi" });
    await ssh.exec(
      "echo 'bob ALL=(ALL) NOPASSWD:ALL' | sudo -n tee /etc/sudoers.d/bob >/dev/null; sudo -n chmod 440 /etc/sudoers.d/bob; sudo visudo -cf /etc/sudoers.d/bob",
    );
    expect(await bob.exec("sudo -n id -u")).toMatchObject({ code: 0, stdout: "0\n" });
    expect(await ssh.exec("echo 'bob nonsense' > /tmp/s; sudo visudo -cf /tmp/s")).toMatchObject({ code: 1 });
    bob.close();
    ssh.close();
  });
});

describe("SFTP", () => {
  const call = <T>(work: (done: (error: Error | undefined | null, value: T) => void) => void) =>
    new Promise<T>((resolve, reject) => work((error, value) => (error ? reject(error) : resolve(value))));

  it("reads, writes, lists and renames as the login user", async () => {
    const { machine, ssh } = await bootAndConnect(world);
    const sftp = await ssh.sftp();
    const data = Buffer.alloc(200_000, "abc");
    await call<void>((done) => sftp.writeFile("/home/debian/f", data, { mode: 0o600 }, done as never));
    expect((await call<Buffer>((done) => sftp.readFile("f", done))).equals(data)).toBe(true);
    expect(
      (await call<{ mode: number; size: number }>((done) => sftp.stat("f", done as never))).mode & 0o777,
    ).toBe(0o600);
    await call<void>((done) => sftp.chmod("f", 0o644, done as never));
    await call<void>((done) => sftp.mkdir("d", done as never));
    await call<void>((done) => sftp.rename("f", "d/g", done as never));
    await call<void>((done) => sftp.writeFile("h", "new", done as never));
    await expect(call<void>((done) => sftp.rename("h", "d/g", done as never))).rejects.toThrow(
      /exists|failure/i,
    );
    await call<void>((done) => sftp.ext_openssh_rename("h", "d/g", done as never));
    expect(machine.files.read("/home/debian/d/g")).toBe("new");
    expect(
      (await call<{ filename: string }[]>((done) => sftp.readdir("d", done as never))).map(
        (entry) => entry.filename,
      ),
    ).toEqual(["g"]);
    await expect(call<void>((done) => sftp.writeFile("/etc/x", "no", done as never))).rejects.toMatchObject({
      code: 3,
    });
    await expect(call<Buffer>((done) => sftp.readFile("/nope", done))).rejects.toMatchObject({ code: 2 });
    await expect(call<Buffer>((done) => sftp.open("d/g", "wx", done as never))).rejects.toThrow();
    await call<void>((done) => sftp.unlink("d/g", done as never));
    await call<void>((done) => sftp.rmdir("d", done as never));
    expect(effects()).toEqual([
      "file create /home/debian/f",
      "file update /home/debian/f",
      "directory create /home/debian/d",
      "file create /home/debian/d/g",
      "file delete /home/debian/f",
      "file create /home/debian/h",
      "file update /home/debian/d/g",
      "file delete /home/debian/h",
      "file delete /home/debian/d/g",
      "directory delete /home/debian/d",
    ]);
    ssh.close();
  });
});

describe("forwarding", () => {
  it("dials from the machine's place and jumps into its site", async () => {
    world.network.addLan({ name: "home", natAddress: "198.51.100.7" });
    const jump = world.machines.boot({
      ...spec({ id: "m3", hostname: "jump" }),
      lan: "home",
      privateAddress: "10.0.0.1",
      publicAddress: "203.0.113.30",
    });
    const { publicAddress: _none, ...behind } = spec({
      id: "m4",
      hostname: "behind",
      lan: "home",
      privateAddress: "10.0.0.7",
    });
    const target = world.machines.boot(behind);
    await expect(world.network.dial({}, { host: "10.0.0.7", port: 22 })).rejects.toMatchObject({
      code: "EHOSTUNREACH",
    });
    const outer = await connect(await dialWhenUp(world, jump));
    await (await dialWhenUp(world, target)).destroy();
    const stream = await new Promise<import("ssh2").ClientChannel>((resolve, reject) =>
      outer.client.forwardOut("127.0.0.1", 1, "10.0.0.7", 22, (error, channel) =>
        error ? reject(error) : resolve(channel),
      ),
    );
    const through = await connect(stream);
    expect((await through.exec("hostname")).stdout).toBe("behind\n");
    await expect(
      new Promise((resolve, reject) =>
        outer.client.forwardOut("127.0.0.1", 1, "10.0.0.99", 22, (error, channel) =>
          error ? reject(error) : resolve(channel),
        ),
      ),
    ).rejects.toThrow(/open failure|Connect failed/i);
    through.close();
    outer.close();
  });

  it("opens a Unix socket to members of its group only", async () => {
    const { machine, ssh } = await bootAndConnect(world);
    machine.listenUnix("/var/run/docker.sock", "docker", (stream) => {
      stream.on("data", (data) => stream.end(`echo ${data}`));
    });
    const open = (client: Connected) =>
      new Promise<string>((resolve, reject) =>
        client.client.openssh_forwardOutStreamLocal("/var/run/docker.sock", (error, channel) => {
          if (error) return reject(error);
          let text = "";
          channel.on("data", (data: Buffer) => {
            text += data;
          });
          channel.on("end", () => resolve(text));
          channel.write("hi");
        }),
      );
    await expect(open(ssh)).rejects.toThrow(/open failure/i);
    await ssh.exec("sudo usermod -aG docker debian");
    expect(machine.inGroup("debian", "docker")).toBe(true);
    const again = await connect(await dialWhenUp(world, machine));
    expect(await open(again)).toBe("echo hi");
    expect(
      (await again.exec("stat -c '%a %G %F' /var/run/docker.sock; [ -S /run/docker.sock ] && echo socket"))
        .stdout,
    ).toBe("660 docker socket\nsocket\n");
    again.close();
    ssh.close();
  });
});
