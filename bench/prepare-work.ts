import type { NodeFragment } from "../packages/core/src/contracts/fragment.js";

// One preparation, said three times: as our fragment, as a plain shell script, as an Ansible playbook.

const user = "benchuser";
const root = "/opt/bench";
const directories = [
  { path: root, mode: "0755" },
  { path: `${root}/data`, mode: "0750" },
  { path: `${root}/logs`, mode: "0700" },
  { path: `${root}/state`, mode: "0711" },
];
const files = [
  { path: "/etc/bench.conf", mode: "0644", content: settings("main", 12) },
  { path: "/etc/bench.secret", mode: "0600", content: settings("secret", 4) },
  { path: `${root}/daemon.conf`, mode: "0644", content: settings("dns", 3) },
  { path: `${root}/run.sh`, mode: "0755", content: "#!/bin/sh\nexec true\n" },
  { path: `${root}/data/table`, mode: "0640", content: settings("row", 60) },
];
const sudoers = {
  path: `/etc/sudoers.d/90-multicloud-${user}`,
  content: `${user} ALL=(ALL:ALL) NOPASSWD:ALL\n`,
};
const commands = [1, 2].map((n) => ({
  run: `touch ${root}/state/command-${n}`,
  creates: `${root}/state/command-${n}`,
}));
const report = `${root}/state/report`;
commands.push({ run: `cat ${root}/data/table >${report}`, creates: report });
/** The file that goes there: 32 KiB that do not compress to nothing. */
const upload = {
  path: `${root}/data/upload`,
  mode: "0644",
  content: settings("upload-line-with-a-number", 1000),
};

/** The file that comes back. */
export const download = report;

/** For `@multicloud/core`. */
export const fragment: NodeFragment = {
  directories,
  files: [...files, upload],
  users: [{ name: user, sudo: true }],
  commands: commands.map(({ run, creates }, index) => ({
    name: `command ${index + 1}`,
    run,
    unless: `[ -e ${creates} ]`,
  })),
};

/** The same, as short as a shell can say it: no facts, no comparison, no report. What comes back goes to standard output. */
export const plainScript = [
  "set -e",
  ...directories.map(({ path, mode }) => `mkdir -p -m ${mode} ${path}`),
  ...[...files, upload].map(
    ({ path, mode, content }) => `install -m ${mode} -o root -g root /dev/stdin ${path} <<'E'\n${content}E`,
  ),
  `id ${user} >/dev/null 2>&1 || useradd -m -s /bin/bash ${user}`,
  `install -m 0440 /dev/stdin ${sudoers.path}.new <<'E'\n${sudoers.content}E`,
  `visudo -cf ${sudoers.path}.new >/dev/null`,
  `mv ${sudoers.path}.new ${sudoers.path}`,
  ...commands.map(({ run }) => run),
  `cat ${download}`,
  "",
].join("\n");

/** The same for Ansible; JSON is YAML. `folder` is where the upload lies and what comes back goes. */
export function playbook(folder: string): string {
  const tasks = [
    { wait_for_connection: { timeout: 60 } },
    { setup: {} },
    { file: { path: "{{ item.path }}", mode: "{{ item.mode }}", state: "directory" }, loop: directories },
    {
      copy: {
        dest: "{{ item.path }}",
        mode: "{{ item.mode }}",
        owner: "root",
        group: "root",
        content: "{{ item.content }}",
      },
      loop: files,
    },
    { user: { name: user, shell: "/bin/bash" } },
    { copy: { dest: sudoers.path, mode: "0440", content: sudoers.content, validate: "visudo -cf %s" } },
    ...commands.map(({ run, creates }) => ({ shell: { cmd: run, creates } })),
    { copy: { src: `${folder}/upload`, dest: upload.path, mode: upload.mode } },
    { fetch: { src: download, dest: `${folder}/fetched/` } },
  ];
  return JSON.stringify([{ hosts: "all", gather_facts: false, become: true, tasks }], null, 1);
}

/** Content of the uploaded file, for tools that want it as a local file. */
export const uploadContent = upload.content;

/** Shell that undoes it all. */
export const undo = `rm -rf ${root} ${files.map(({ path }) => path).join(" ")} ${sudoers.path}; userdel -rf ${user} 2>/dev/null; true`;

/** Shell that prints what must be the same whoever did the work. */
export const fingerprint = [
  `cd /; find ${root} ${files.map(({ path }) => path).join(" ")} ${sudoers.path} -printf '%M %u %g %p\\n' | sort`,
  `find ${root} ${files.map(({ path }) => path).join(" ")} ${sudoers.path} -type f | sort | xargs sha256sum`,
  `getent passwd ${user} | cut -d: -f1,6,7`,
].join("\n");

function settings(name: string, lines: number): string {
  return Array.from({ length: lines }, (_, index) => `${name}.${index} = ${(index * 7919) % 1000003}\n`).join(
    "",
  );
}
