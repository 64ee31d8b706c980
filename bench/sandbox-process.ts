// The sandbox in a process of its own, so that the emulated clouds do not share the orchestrator's core.
import { sandbox } from "@multicloud/testing";

const { scale } = JSON.parse(process.argv[2]!) as { scale: number };
const world = await sandbox({ scale });
process.send!({
  env: world.env,
  socks: world.socks,
  home: world.home,
  stateDirectory: world.stateDirectory,
  timing: world.world.timing,
});
process.on("message", async (question) => {
  if (question === "calls") process.send!(world.calls());
  if (question === "close") {
    await world.close();
    process.exit(0);
  }
});
