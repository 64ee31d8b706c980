import { accountCommands } from "./commands/accounts.js";
import { fileCommands } from "./commands/files.js";
import { kernelCommands } from "./commands/kernel.js";
import { networkCommands } from "./commands/network.js";
import { packageCommands } from "./commands/packages.js";
import { shellCommands } from "./commands/shells.js";
import { sshCommands } from "./commands/ssh.js";
import { storageCommands } from "./commands/storage.js";
import { sudoCommands } from "./commands/sudo.js";
import { systemCommands } from "./commands/system.js";
import { serviceCommands } from "./commands/systemctl.js";
import { textCommands } from "./commands/text.js";
import type { CommandFamily } from "./host.js";
import { utilities } from "./shell/utilities.js";

/** The sandbox's own programs, by name. */
export const commands: CommandFamily = {
  ...shellCommands,
  ...sudoCommands,
  ...accountCommands,
  ...fileCommands,
  ...systemCommands,
  ...kernelCommands,
  ...serviceCommands,
  ...packageCommands,
  ...networkCommands,
  ...sshCommands,
  ...storageCommands,
  ...textCommands,
};

/** Programs that only a package brings. */
const fromPackages = new Set(["iscsiadm", "jq", "tree", "file"]);

/** Programs that an image has from the beginning. */
export const commandNamesOfImage: readonly string[] = [
  ...new Set([...Object.keys(commands), ...utilities]),
].filter((name) => !fromPackages.has(name));
