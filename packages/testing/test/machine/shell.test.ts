import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createWorld, type RunningWorld } from "../../src/world/create-world.js";
import { bootAndConnect, type Connected } from "./ssh-client.js";

let world: RunningWorld;
let ssh: Connected;

beforeEach(async () => {
  world = createWorld();
  ({ ssh } = await bootAndConnect(world));
});
afterEach(() => {
  ssh.close();
  world.close();
});

describe("the shell language", () => {
  const cases: readonly [what: string, script: string, stdout: string, code?: number][] = [
    [
      "variables, quotes and arguments",
      `set -- a "b c"; for x; do printf '[%s]' "$x"; done; echo " $# $*"`,
      "[a][b c] 2 a b c\n",
    ],
    ["splitting by IFS", `IFS=:; v=a:b::c; set -- $v; echo $#; printf '<%s>' "$@"`, "4\n<a><b><><c>"],
    [
      "what exec opens inside of a compound command stays open, and its lock with it",
      `if true; then exec 9>lock; fi; f() { exec 8>other; } </dev/null; f </dev/null; echo kept >&9; echo too >&8; cat lock other; flock -n 9; flock -n lock true || echo held; { :; } 9>third; flock -n lock true || echo still; flock -u 9; flock -n lock true && echo free`,
      "kept\ntoo\nheld\nstill\nfree\n",
    ],
    ["empty expansions vanish unquoted and stay quoted", `e=; set -- $e "$e" "$@"; echo $#`, "1\n"],
    [
      "defaults, lengths and removals",
      `v=abc.tar.gz; echo \${v%.*} \${v%%.*} \${v#*.} \${v##*.} \${#v} \${x:-d} \${x-d} \${v:+s}`,
      "abc.tar abc tar.gz gz 10 d d s\n",
    ],
    ["assignment of defaults", `echo \${q:=5}; echo $q`, "5\n5\n"],
    [
      "arithmetic",
      `a=3; echo $((a * (2 + 1) % 4)) $((a > 2 && 1)) $((0x10)); i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; echo $i`,
      "1 1 16\n3\n",
    ],
    [
      "here-documents",
      `x=1; cat <<EOF\nv=$x \\$x\nEOF\ncat <<'EOF'\nv=$x\nEOF\ncat <<-EOF\n\tt\n\tEOF\n`,
      "v=1 $x\nv=$x\nt\n",
    ],
    [
      "command substitution strips trailing line feeds",
      `x=$(printf 'a\\nb\\n\\n'); printf '<%s>' "$x" "$(exit 3; echo no)"`,
      "<a\nb><>",
    ],
    [
      "case with patterns",
      `for v in abc x.y '' '*'; do case $v in a*) echo A;; *.*) echo D;; '') echo E;; \\*) echo S;; esac; done`,
      "A\nD\nE\nS\n",
    ],
    [
      "functions, local and return",
      `x=1; f() { local x=2; echo $x $1; return 3; }; f z; echo $? $x`,
      "2 z\n3 1\n",
    ],
    [
      "pipelines run in subshells",
      `x=1; echo 2 | read x; echo $x; printf 'b\\na\\n' | sort | head -n 1`,
      "1\na\n",
    ],
    ["errexit", `set -e; false; echo no`, "", 1],
    [
      "errexit in looked-at places",
      `set -e; f() { false; echo in; }; f || true; if f; then :; fi; ! false; { false; echo in; } || :; false && :; echo end`,
      "in\nin\nin\nend\n",
    ],
    [
      "errexit in command substitutions and subshells",
      `set -e; x=$(false; echo a) || echo c; ( false; echo no ) || echo s; echo "$x"`,
      "c\nno\n\n",
    ],
    ["nounset", `set -u; echo \${x:-ok}; echo $x; echo no`, "ok\n", 2],
    [
      "exit traps see the shell's variables",
      `t=/tmp/x; f() { echo bye $t $?; }; trap f EXIT; set -e; (exit 4); echo no`,
      "bye /tmp/x 4\n",
      4,
    ],
    [
      "umask is a subshell's own",
      `( umask 077; : > /tmp/a ); : > /tmp/b; stat -c %a /tmp/a /tmp/b`,
      "600\n644\n",
    ],
    ["exec replaces the shell", `exec echo x; echo no`, "x\n"],
    [
      "descriptors",
      `exec 3>&1 1>/tmp/log; echo hidden; echo seen >&3; exec 1>&3; cat /tmp/log; { echo e >&2; } 2>&1`,
      "seen\nhidden\ne\n",
    ],
    [
      "read",
      `printf 'a b c\\nx\\n' | while read -r f r; do echo "$r-$f"; done; printf 'no end' | { IFS= read -r l || echo "[$l]"; }`,
      "b c-a\n-x\n[no end]\n",
    ],
    [
      "loops with break and continue",
      `for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done; until [ -e /tmp/u ]; do touch /tmp/u; done; echo $?`,
      "1\n3\n0\n",
    ],
    [
      "globs",
      `mkdir /tmp/g; cd /tmp/g; touch a1 a2 b; echo a* [b]? *.x; set -f; echo *`,
      "a1 a2 [b]? *.x\n*\n",
    ],
    ["background jobs", `f() { sleep 1; exit 3; }; f & p=$!; wait $p; echo $?`, "3\n"],
    [
      "getopts",
      `set -- -a -b v -cd r; while getopts ab:cd o; do printf '%s=%s ' $o $OPTARG; done; shift $((OPTIND - 1)); echo $1`,
      "a= b=v c=v d=v r\n",
    ],
    ["eval and dot", `echo 'y=5' > /tmp/s; . /tmp/s; eval 'z=$y'; echo $z`, "5\n"],
    [
      "sh -s with arguments and standard input",
      `echo 'echo "$1-$2"; exit 4' | sh -s -- a b; echo $?`,
      "a-b\n4\n",
    ],
    [
      "scripts on disk",
      `printf '#!/bin/sh\\necho "ran $1"\\n' > /tmp/r; chmod +x /tmp/r; /tmp/r x; PATH=/tmp:$PATH r y`,
      "ran x\nran y\n",
    ],
    [
      "printf and binary data",
      `printf '\\377\\0a' | base64; printf '%05d|%-3s|%x\\n' 42 a 255; printf %b 'a\\tb\\n'`,
      "/wBh\n00042|a  |ff\na\tb\n",
    ],
    [
      "redirections that fail are failures of their command",
      `echo x > /etc/nope || echo denied; echo x > /no/dir; echo $?`,
      "denied\n2\n",
    ],
    [
      "brackets",
      `[ -f /etc/passwd -a ! -d /etc/passwd ] && [ a != b ] && [ -n x ] && [ ! -e /nope ] && [ 2 -gt 1 ] && echo y; [ "" ] || echo n`,
      "y\nn\n",
    ],
    ["[[ of bash", `[[ abc == a* && ! -e /x ]] && [[ 12 =~ ^[0-9]+$ ]] && echo y`, "y\n"],
    [
      "xargs and find -exec reach the sandbox's programs",
      `echo root | xargs id -u; find /etc/hostname -exec stat -c %U {} \\;`,
      "0\nroot\n",
    ],
  ];
  it.each(cases)("%s", async (_what, script, stdout, code = 0) => {
    const result = await ssh.exec(script);
    expect({ ...result, stderr: result.code === code ? "" : result.stderr }).toEqual({
      stdout,
      code,
      signal: undefined,
      stderr: "",
    });
  });

  it("says 127 for a program that does not exist, and 126 for one that may not run", async () => {
    expect(await ssh.exec("kubeadm init")).toMatchObject({ code: 127, stderr: "sh: kubeadm: not found\n" });
    expect(await ssh.exec("/etc/passwd")).toMatchObject({ code: 126 });
    expect((await ssh.exec("docker ps")).code).toBe(127);
    expect((await ssh.exec("command -v docker || echo none")).stdout).toBe("none\n");
  });

  it("sleeps and times out in virtual time", async () => {
    const started = Date.now();
    expect(
      (await ssh.exec("sleep 3600; timeout 60 sh -c 'while :; do sleep 10; done'; echo $?")).stdout,
    ).toBe("124\n");
    expect(Date.now() - started).toBeLessThan(2000);
  });

  it("streams output while the command runs", async () => {
    const lines: string[] = [];
    await new Promise<void>((resolve, reject) => {
      ssh.client.exec('echo first; read -r answer; echo "$answer"', (error, channel) => {
        if (error) return reject(error);
        channel.on("data", (data: Buffer) => {
          lines.push(data.toString());
          if (lines.length === 1) channel.end("second\n");
        });
        channel.on("close", () => resolve());
      });
    });
    expect(lines).toEqual(["first\n", "second\n"]);
  });
});

describe("sh is dash, as on Debian", () => {
  it.each([
    ["[[", "[[ a = a ]]; echo $?", "127\n", 0],
    ["source", "source /dev/null; echo $?", "127\n", 0],
    ["substrings", `x=abc; echo \${x:1}`, "", 2],
    ["here-strings", "cat <<<x", "", 2],
    ["pipefail", "set -o pipefail; echo no", "", 2],
    ["echo -e", "echo -e 'a\\tb'", "-e a\tb\n", 0],
  ])("has no %s", async (_what, script, stdout, code) => {
    expect(await ssh.exec("sh -s", script)).toMatchObject({ stdout, code });
  });

  it("keeps /usr/sbin from users without rights", async () => {
    expect((await ssh.exec("useradd x")).code).toBe(127);
    expect((await ssh.exec("/usr/sbin/useradd x")).code).toBe(1);
    expect((await ssh.exec("sudo useradd x")).code).toBe(0);
  });
});
