import fc from "fast-check";
import { expect, test } from "vitest";
import { markStrings, parseMark } from "./mark.js";
import { answerMac, appendTsig, isGenuine, signRequest, splitTsig, type TsigKey } from "./tsig.js";
import { encodeQuery, encodeUpdate } from "./wire.js";

const key: TsigKey = { name: "lab.example", algorithm: "hmac-sha256", secret: Buffer.from("secret") };
const label = fc.string({ unit: fc.constantFrom(..."abz019-_"), minLength: 1, maxLength: 63 });
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join(".").slice(0, 200));

test("what is signed can be taken apart again, byte for byte", () => {
  fc.assert(
    fc.property(name, fc.nat(0xffff), fc.nat(2 ** 40), (owner, id, time) => {
      const line = { name: owner, type: "TXT", class: "NONE", data: ["a", "b"] } as const;
      for (const message of [encodeQuery(id, owner, "A"), encodeUpdate(id, "example.com", [line], [line])]) {
        const { signed, mac } = signRequest(message, key, time);
        const { message: plain, tsig } = splitTsig(signed);
        expect(plain.equals(message)).toBe(true);
        expect(tsig).toMatchObject({
          name: key.name,
          algorithm: key.algorithm,
          time,
          fudge: 300,
          originalId: id,
        });
        expect(tsig?.mac.equals(mac)).toBe(true);
      }
    }),
  );
});

test("an answer is genuine for its request, its key and its bytes alone", () => {
  const fields = { time: 1_700_000_000, fudge: 300, error: 0, other: Buffer.alloc(0) };
  const message = encodeQuery(7, "www.example.com", "A");
  const requestMac = Buffer.alloc(32, 1);
  const signed = appendTsig(message, key, { ...fields, mac: answerMac(key, requestMac, message, fields) });
  const { message: plain, tsig } = splitTsig(signed);
  expect(isGenuine(key, requestMac, plain, tsig!)).toBe(true);
  expect(isGenuine(key, Buffer.alloc(32, 2), plain, tsig!)).toBe(false);
  expect(isGenuine({ ...key, secret: Buffer.from("other") }, requestMac, plain, tsig!)).toBe(false);
  expect(isGenuine({ ...key, name: "other.example" }, requestMac, plain, tsig!)).toBe(false);
  expect(isGenuine(key, requestMac, plain, { ...tsig!, mac: tsig!.mac.subarray(0, 16) })).toBe(false);
  expect(isGenuine(key, requestMac, plain, { ...tsig!, time: tsig!.time + 1 })).toBe(false);
  for (let at = 0; at < plain.length; at++) {
    const changed = Buffer.from(plain);
    changed[at] = changed[at]! ^ 1;
    expect(isGenuine(key, requestMac, changed, tsig!)).toBe(false);
  }
});

test("whatever bytes come, taking them apart ends with a result or a RangeError", () => {
  const { signed } = signRequest(encodeQuery(1, "www.example.com", "A"), key, 1);
  const broken = fc
    .array(fc.tuple(fc.nat(signed.length - 1), fc.nat(255)), { maxLength: 8 })
    .map((changes) => {
      const bytes = Buffer.from(signed);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
  fc.assert(
    fc.property(
      fc.oneof(
        broken,
        fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => {
        try {
          splitTsig(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test("a mark says what was written into it", () => {
  fc.assert(
    fc.property(label, fc.uniqueArray(fc.ipV4()), (cluster, addresses) => {
      expect(parseMark(markStrings({ cluster, addresses }))).toEqual({
        cluster,
        addresses: [...addresses].sort(),
      });
    }),
  );
  for (const strings of [[], ["v=spf1 -all"], ["multicloud:"], ["heritage=external-dns"]])
    expect(parseMark(strings)).toBeUndefined();
});
