import ssh2 from "ssh2";
import { expect, test } from "vitest";
import { generateKeyPair } from "./key-pair.js";

test("every key can be read, also the one in 256 that begins with a zero", () => {
  for (let made = 0; made < 1500; made++) {
    const { privateKey, publicKey } = generateKeyPair("somebody");
    expect(ssh2.utils.parseKey(privateKey)).not.toBeInstanceOf(Error);
    expect(ssh2.utils.parseKey(publicKey)).not.toBeInstanceOf(Error);
  }
});
